package index

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// refusal judges an answer that is not 200; sent tells whether the request had credentials. The text of the answer is not shown: it
// may repeat what was sent.
func (c *client) refusal(res *http.Response, sent bool) *failure {
	f := &failure{status: res.StatusCode, reason: fmt.Sprintf("it answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))}
	switch code := res.StatusCode; {
	case code == http.StatusForbidden && !sent && hidesMissing(res):
		f.status = http.StatusNotFound
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		c.explain(f, res, sent)
	case slices.Contains([]int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}, code), code >= 500 && code != http.StatusNotImplemented:
		f.again, f.after = true, retryAfter(res.Header)
	}
	return f
}

// explain says what to do about 401 and 403.
func (c *client) explain(f *failure, res *http.Response, sent bool) {
	l := c.logins.find(res.Request.URL)
	if l != nil && sent {
		f.reason += fmt.Sprintf(" to the login with the build secret %s", l.Secret)
		f.hint = "the secret must hold a password, a token, user:password, or a netrc file; "
		if l.Username == "" {
			f.hint += fmt.Sprintf("an index that wants a user name gets it with username in [index.%s]", l.Name)
		} else {
			f.hint += fmt.Sprintf("the user name is %s", l.Username)
		}
		return
	}
	f.hint = fmt.Sprintf("if it needs a login, write an [index.NAME] table with its url and secret = \"my-index\", and %s", secretFlag("my-index"))
}

// hidesMissing tells whether an answer is that of an object store which may not tell what it has: its 403 is a 404. Some public
// indexes are files in one.
func hidesMissing(res *http.Response) bool {
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return err == nil && bytes.Contains(body, []byte("<Error>")) && bytes.Contains(body, []byte("<Code>AccessDenied</Code>"))
}

// retryAfter is how long a server wants to be left alone (RFC 9110, 10.2.3). A date is compared with the server's own clock.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(longestPause/time.Second))) * time.Second
	}
	then, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(then.Sub(now), 0)
}
