package pyfile

import "strings"

// splitWords splits a command line the way a POSIX shell does, if that is certain: nothing in it may mean more than
// itself to a shell.
func splitWords(line string) (words []string, ok bool) {
	var word strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			end()
		case c == '\'' || c == '"':
			n := strings.IndexByte(line[i+1:], c)
			if n < 0 {
				return nil, false
			}
			quoted := line[i+1 : i+1+n]
			if c == '"' && strings.ContainsAny(quoted, "$`\\!") {
				return nil, false
			}
			word.WriteString(quoted)
			inWord = true
			i += n + 1
		case strings.IndexByte("$`\\|&;<>()*?[]{}~#!\n\r", c) >= 0:
			return nil, false
		case c == '=' && len(words) == 0:
			return nil, false // a variable for the command, not an argument
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	end()
	return words, len(words) > 0
}
