package chart

import (
	"fmt"
	"slices"
	"strings"
)

// Lines is a chart of one or more lines over one axis.
type Lines struct {
	Title      string
	X, Y       string // what the axes show, with the unit
	Series     []Series
	LogX, LogY bool
}

// Series is one line.
type Series struct {
	Name   string
	Points []Point // in the order in which they are joined; one that the axes cannot show is left out: no number, or zero where they are logarithmic
	Ours   bool    // highlighted
}

// Point is one value of a line. Label, if there is one, stands at the axis in place of the number X.
type Point struct {
	X, Y  float64
	Label string
}

// drawn are the points of a line that the axes can show.
func (l Lines) drawn(s Series) []Point {
	return slices.DeleteFunc(slices.Clone(s.Points), func(p Point) bool {
		return !finite(p.X) || !finite(p.Y) || l.LogX && p.X <= 0 || l.LogY && p.Y <= 0
	})
}

// dashes tell lines apart beside their colours.
var dashes = []string{"", "6 3", "2 3", "9 3 2 3"}

// SVG draws the chart.
func (l Lines) SVG() []byte {
	const plotHeight = 340.0
	c := &canvas{}
	y := l.legend(c, c.heading(l.Title))
	var xs, ys []float64
	labels := map[float64]string{}
	for _, s := range l.Series {
		for _, p := range l.drawn(s) {
			xs, ys = append(xs, p.X), append(ys, p.Y)
			if p.Label != "" {
				labels[p.X] = p.Label
			}
		}
	}
	v := newScale(ys, l.LogY, 6)
	v.from, v.to = y+lineStep+10+plotHeight, y+lineStep+10
	h := newScale(xs, l.LogX, 8)
	var room float64
	for _, t := range v.ticks {
		room = max(room, textWidth(Number(t)))
	}
	h.from, h.to = margin+room+10, width-margin-10
	c.text(margin, y+14, "start", faint, l.Y)
	for _, t := range v.ticks {
		c.line(h.from, v.at(t), h.to, v.at(t), grid)
		c.text(h.from-8, v.at(t)+4.5, "end", faint, Number(t))
	}
	for _, t := range h.ticks {
		if len(labels) == 0 {
			c.line(h.at(t), v.from, h.at(t), v.from+5, faint)
			c.text(h.at(t), v.from+lineStep, "middle", faint, Number(t))
		}
	}
	drawn := map[float64]bool{}
	for _, x := range xs { // in the order of the points, never of the map
		if labels[x] != "" && !drawn[x] {
			drawn[x] = true
			c.line(h.at(x), v.from, h.at(x), v.from+5, faint)
			c.text(h.at(x), v.from+lineStep, "middle", faint, labels[x])
		}
	}
	c.line(h.from, v.from, h.to, v.from, faint)
	for i, s := range l.Series {
		colour, stroke, dash := l.style(i)
		var path []string
		var dots strings.Builder
		for _, p := range l.drawn(s) {
			path = append(path, px(h.at(p.X))+","+px(v.at(p.Y)))
			fmt.Fprintf(&dots, "<circle cx=\"%s\" cy=\"%s\" r=\"3\"/>", px(h.at(p.X)), px(v.at(p.Y)))
		}
		if len(path) == 0 {
			continue
		}
		fmt.Fprintf(c, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s stroke-linejoin=\"round\"/>\n", strings.Join(path, " "), colour, px(stroke), dash)
		fmt.Fprintf(c, "<g fill=\"%s\">%s</g>\n", colour, &dots)
	}
	c.text((h.from+h.to)/2, v.from+2*lineStep+2, "middle", faint, l.X)
	return c.document(l.description(), v.from+2*lineStep+margin)
}

// legend names the lines below the heading and returns where the plot begins.
func (l Lines) legend(c *canvas, y float64) float64 {
	const sample, gap = 26.0, 22.0
	x := float64(margin)
	for i, s := range l.Series {
		needs := sample + 6 + textWidth(s.Name)
		if x > margin && x+needs > width-margin {
			x, y = margin, y+lineStep
		}
		colour, stroke, dash := l.style(i)
		fmt.Fprintf(c, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\" stroke-width=\"%s\"%s/>\n", px(x), px(y+8), px(x+sample), px(y+8), colour, px(stroke), dash)
		fmt.Fprintf(c, "<circle cx=\"%s\" cy=\"%s\" r=\"3\" fill=\"%s\"/>\n", px(x+sample/2), px(y+8), colour)
		c.text(x+sample+6, y+12.5, "start", ink, s.Name)
		x += needs + gap
	}
	return y + lineStep + 6
}

// style is the colour, width and dash pattern of a line.
func (l Lines) style(i int) (string, float64, string) {
	if l.Series[i].Ours {
		return ours, 3, ""
	}
	n := 0 // how many lines of others come before this one
	for _, s := range l.Series[:i] {
		if !s.Ours {
			n++
		}
	}
	dash := dashes[n/len(palette)%len(dashes)]
	if dash != "" {
		dash = fmt.Sprintf(" stroke-dasharray=\"%s\"", dash)
	}
	return palette[n%len(palette)], 1.8, dash
}

// description is the chart in words: where each line begins and ends.
func (l Lines) description() string {
	var words []string
	for _, s := range l.Series {
		if ps := l.drawn(s); len(ps) > 0 {
			words = append(words, fmt.Sprintf("%s from %s to %s", s.Name, Number(ps[0].Y), Number(ps[len(ps)-1].Y)))
		}
	}
	return fmt.Sprintf("%s (%s over %s): %s", l.Title, l.Y, l.X, strings.Join(words, "; "))
}
