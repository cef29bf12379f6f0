package chart

import (
	"cmp"
	"fmt"
	"html"
	"strings"
)

// Bars is a chart of horizontal bars.
type Bars struct {
	Title string
	Unit  string // of the values, as "s" or "MB"; written at the axis and behind each value
	Bars  []Bar
	Log   bool // logarithmic: for values that differ by orders of magnitude
}

// Bar is one value, which is not below zero.
type Bar struct {
	Group string // bars that follow one another with the same group share a heading
	Label string
	Value float64
	Note  string // written behind the value
	Ours  bool   // highlighted
}

// SVG draws the chart.
func (b Bars) SVG() []byte {
	const barHeight, barStep, groupGap = 20.0, 27.0, 12.0
	c := &canvas{}
	y := c.heading(b.Title)
	var labels, texts float64
	values := make([]float64, len(b.Bars))
	for i, bar := range b.Bars {
		values[i] = bar.Value
		labels = max(labels, textWidth(bar.Label))
		texts = max(texts, textWidth(b.value(bar))+textWidth(bar.Note)+12)
	}
	if b.Log {
		for _, v := range values {
			values = append(values, v/2) // the smallest has a length too
		}
	}
	x := newScale(values, b.Log, 6)
	x.from, x.to = margin+labels+10, width-margin
	top, rows, group := y, y, ""
	for _, bar := range b.Bars {
		if bar.Group != group {
			rows, group = rows+groupGap+lineStep, bar.Group
		}
		rows += barStep
	}
	// The axis ends where the longest text behind a bar still has room.
	x.to = max(x.from+100, x.to-texts)
	for _, t := range x.ticks {
		c.line(x.at(t), y, x.at(t), rows+2, grid)
		c.text(x.at(t), rows+2+lineStep, "middle", faint, Number(t))
	}
	c.line(x.from, top, x.from, rows+2, faint)
	group = ""
	for _, bar := range b.Bars {
		if bar.Group != group {
			y += groupGap
			group = bar.Group
			fmt.Fprintf(c, "<rect x=\"%d\" y=\"%s\" width=\"%s\" height=\"%d\" fill=\"%s\"/>\n", margin, px(y), px(textWidth(group)*1.1), lineStep, background)
			fmt.Fprintf(c, "<text x=\"%d\" y=\"%s\" fill=\"%s\" font-weight=\"600\">%s</text>\n", margin, px(y+14), ink, html.EscapeString(group))
			y += lineStep
		}
		colour, weight := theirs, ""
		if bar.Ours {
			colour, weight = ours, " font-weight=\"600\""
		}
		end := x.from
		if finite(bar.Value) {
			end = x.at(bar.Value)
		}
		if bar.Value > 0 {
			end = max(end, x.from+1.5) // what is not nothing is seen
		}
		middle := y + barHeight/2 + 4.5
		c.text(x.from-8, middle, "end", ink, bar.Label)
		fmt.Fprintf(c, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"2\" fill=\"%s\"/>\n", px(x.from), px(y), px(end-x.from), px(barHeight), colour)
		fmt.Fprintf(c, "<text x=\"%s\" y=\"%s\" fill=\"%s\"%s>%s", px(end+6), px(middle), ink, weight, html.EscapeString(b.value(bar)))
		if bar.Note != "" {
			fmt.Fprintf(c, "<tspan dx=\"6\" fill=\"%s\" font-weight=\"400\">%s</tspan>", faint, html.EscapeString(bar.Note))
		}
		c.WriteString("</text>\n")
		y += barStep
	}
	axis := b.Unit
	if b.Log {
		axis = cmp.Or(axis, "value") + ", logarithmic"
	}
	c.text((x.from+x.to)/2, rows+2+2*lineStep, "middle", faint, axis)
	return c.document(b.description(), rows+2+2*lineStep+margin-4)
}

// value writes a bar's value with the unit.
func (b Bars) value(bar Bar) string { return strings.TrimSpace(Number(bar.Value) + " " + b.Unit) }

// description is the chart in words.
func (b Bars) description() string {
	var words []string
	for _, bar := range b.Bars {
		words = append(words, strings.TrimSpace(bar.Group+" "+bar.Label)+" "+b.value(bar))
	}
	return b.Title + ": " + strings.Join(words, "; ")
}
