// Package chart draws bar and line charts as SVG.
//
// The same values give the same bytes on every machine: widths of text are estimated, because there is no font to ask. A chart brings its own
// background, so that it reads the same on a light and a dark page, and a title for those who do not see it.
package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Measures in pixels. A chart is as wide as a page of text on GitHub.
const (
	width    = 860
	margin   = 20
	fontSize = 13
	lineStep = 20 // from one line of text to the next
)

// Colours. Those of the series are told apart by colour-blind people too (Okabe and Ito).
const (
	background = "#ffffff"
	border     = "#d0d7de"
	ink        = "#1f2328"
	faint      = "#59636e"
	grid       = "#e4e8ec"
	ours       = "#d55e00"
	theirs     = "#8fa3b8"
)

var palette = []string{"#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b6b6b", "#8a5a00", "#000000"}

// canvas collects the elements of an SVG.
type canvas struct{ bytes.Buffer }

// document puts a frame of the given height with a title around what is drawn.
func (c *canvas) document(title string, height float64) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%s\" viewBox=\"0 0 %d %s\" role=\"img\" aria-labelledby=\"title\" "+
		"font-family=\"-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif\" font-size=\"%d\">\n",
		width, px(height), width, px(height), fontSize)
	fmt.Fprintf(&out, "<title id=\"title\">%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(&out, "<rect x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%s\" rx=\"6\" fill=\"%s\" stroke=\"%s\"/>\n", width-1, px(height-1), background, border)
	out.Write(c.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// heading writes the title of a chart and returns the height that it takes.
func (c *canvas) heading(title string) float64 {
	fmt.Fprintf(c, "<text x=\"%d\" y=\"%d\" fill=\"%s\" font-size=\"16\" font-weight=\"600\">%s</text>\n", margin, margin+16, ink, html.EscapeString(title))
	return margin + 16 + 18
}

// text writes a line of text; its anchor is start, middle or end.
func (c *canvas) text(x, y float64, anchor, colour, text string) {
	fmt.Fprintf(c, "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", px(x), px(y), anchor, colour, html.EscapeString(text))
}

// line draws a straight line.
func (c *canvas) line(x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(c, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\"/>\n", px(x1), px(y1), px(x2), px(y2), colour)
}

// px writes a length to a tenth of a pixel.
func px(v float64) string { return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") }

// textWidth is about how wide a text is, rather too wide than too narrow.
func textWidth(s string) float64 { return float64(utf8.RuneCountInString(s)) * fontSize * 0.56 }

// Number writes a value to three significant digits, without an exponent, with commas between the thousands.
func Number(v float64) string {
	if v == 0 || !finite(v) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if digits > 0 {
		return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', digits, 64), "0"), ".")
	}
	text := strconv.FormatFloat(math.Round(math.Abs(v)), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if v < 0 {
		text = "-" + text
	}
	return text
}

// finite tells whether a value can be drawn.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
