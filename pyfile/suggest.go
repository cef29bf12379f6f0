package pyfile

import "strings"

// Suggest returns the name of known that a person who wrote word most likely meant, or "" when none is near: one edit for
// short words, up to three for long ones, and always less than half of the word. Of equally near names the first wins.
// Capitals and the difference between "-" and "_" do not count.
func Suggest(word string, known []string) string {
	best, nearest := "", 4
	w := []rune(foldName(word))
	switch {
	case len(w) < 4:
		nearest = 2
	case len(w) < 8:
		nearest = 3
	}
	nearest = min(nearest, (len(w)+1)/2)
	for _, name := range known {
		if d := distance(w, []rune(foldName(name))); d < nearest {
			best, nearest = name, d
		}
	}
	return best
}

func foldName(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "_", "-")
}

// distance counts the letters to add, drop, replace or swap with their neighbour (optimal string alignment).
func distance(a, b []rune) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
