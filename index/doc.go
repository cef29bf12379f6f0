// Package index asks package indexes where files are that a lock file knows by their hash only, and downloads files that need
// credentials. It is what cmd/pyfile-index, a program that runs inside builds, is made of; the frontend uses its types to write
// queries and to read answers.
//
// An index is asked by the simple API: JSON (PEP 691, PEP 700) where the index speaks it, else HTML (PEP 503, PEP 592). Files are
// matched by sha256, so an index need not be trusted. Yanked files are found like the others, because a lock pins its files.
//
// # Credentials
//
// A [Source] names a build secret by its id. What the secret may hold:
//
//   - a password, where the source has a username: HTTP Basic with both;
//   - "user:password": HTTP Basic with them, also with an empty password ("token:");
//   - "Bearer ..." or "Basic ...": sent as it is;
//   - a netrc file, which starts with "machine": the login for the host of the request;
//   - anything else is a token: HTTP Basic with the user "__token__", which is what uv and the tools for uploading send, and what
//     indexes that care about the name expect. An index that wants another name is given it with username.
//
// Credentials are sent only to the origin (scheme, host and port) of the source's URL, also when a request is redirected, and
// among several sources of one origin those of the longest matching path are taken. They never reach an output or a message.
package index
