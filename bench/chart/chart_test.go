package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var charts = map[string]interface{ SVG() []byte }{
	"bars.svg": Bars{Title: "One line of code changed", Unit: "s", Bars: []Bar{
		{Label: "four-stage Dockerfile", Value: 5.04, Note: "2.7 kB pushed"},
		{Label: "uv guide, multi-stage", Value: 30.2, Note: "205 MB pushed"},
		{Label: "uv guide, single stage", Value: 3, Note: "0.9 MB pushed"},
		{Label: "Pyfile", Value: 1.2, Note: "1 kB pushed", Ours: true},
	}},
	"bars-log.svg": Bars{Title: "Bytes pushed <after a change>", Unit: "kB", Log: true, Bars: []Bar{
		{Group: "one line of code", Label: "Dockerfile", Value: 205_000},
		{Group: "one line of code", Label: "Pyfile", Value: 1.2, Ours: true},
		{Group: "one dependency", Label: "Dockerfile", Value: 358_000, Note: "all of them"},
		{Group: "one dependency", Label: "Pyfile", Value: 8_000, Ours: true},
		{Group: "nothing", Label: "Dockerfile", Value: 0},
		{Group: "nothing", Label: "Pyfile", Value: 0, Ours: true},
	}},
	"lines.svg": Lines{Title: "Bytes pushed in a week", X: "smallest wheel with a layer of its own (MB)", Y: "MB pushed", LogX: true, Series: []Series{
		{Name: "web", Points: []Point{{X: 0.25, Y: 12}, {X: 0.5, Y: 11}, {X: 1, Y: 13}, {X: 2, Y: 17}, {X: 4, Y: 21}, {X: 8, Y: 33}, {X: 16, Y: 61}}},
		{Name: "data & models", Points: []Point{{X: 0.25, Y: 92}, {X: 0.5, Y: 91}, {X: 1, Y: 95}, {X: 2, Y: 101}, {X: 4, Y: 120}, {X: 8, Y: 150}, {X: 16, Y: 310}}},
		{Name: "all", Ours: true, Points: []Point{{X: 0.25, Y: 52}, {X: 0.5, Y: 51}, {X: 1, Y: 55}, {X: 2, Y: 61}, {X: 4, Y: 71}, {X: 8, Y: 90}, {X: 16, Y: math.NaN()}}},
	}},
	"lines-labels.svg": Lines{Title: "With words at the axis", X: "own", Y: "layers", Series: []Series{
		{Name: "a", Points: []Point{{X: 0, Y: 3, Label: "none"}, {X: 1, Y: 90.5, Label: "1 MB"}, {X: 2, Y: 127, Label: "all"}}},
	}},
	"lines-log.svg": Lines{Title: "Both axes logarithmic", X: "wheels", Y: "MB", LogX: true, LogY: true, Series: []Series{
		{Name: "one", Points: []Point{{X: 1, Y: 0.02}, {X: 10, Y: 3}, {X: 400, Y: 9_000}}},
		{Name: "nothing that could be drawn", Points: []Point{{X: 0, Y: 0}}},
	}},
	"empty.svg": Lines{Title: "No data"},
}

func TestChartsAreTheGoldenOnes(t *testing.T) {
	for name, c := range charts {
		got := c.SVG()
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs; run `go test ./bench/chart -update` and look at it", name)
		}
	}
}

func TestChartsAreXMLWithATitleAndTheSameEachTime(t *testing.T) {
	for name, c := range charts {
		svg := c.SVG()
		if !bytes.Equal(svg, c.SVG()) {
			t.Errorf("%s: two drawings differ", name)
		}
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s has a number that is none", name)
		}
		titles := 0
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "title" {
				titles++
			}
		}
		if titles != 1 {
			t.Errorf("%s has %d titles", name, titles)
		}
	}
}

func TestEveryBarNamesItsValue(t *testing.T) {
	svg := string(charts["bars.svg"].SVG())
	for _, text := range []string{"30.2 s", "205 MB pushed", "uv guide, single stage", "1.2 s"} {
		if !strings.Contains(svg, text) {
			t.Errorf("the chart lacks %q", text)
		}
	}
}

func TestTicksAreRoundAndSpanTheValues(t *testing.T) {
	for _, c := range []struct {
		values []float64
		log    bool
		want   []float64
	}{
		{[]float64{0, 30.2}, false, []float64{0, 10, 20, 30, 40}},
		{[]float64{0.3, 0.9}, false, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{[]float64{-3, 4}, false, []float64{-4, -2, 0, 2, 4}},
		{[]float64{5, 5}, false, []float64{0, 1, 2, 3, 4, 5}},
		{[]float64{0, 0}, false, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{[]float64{0.25, 16}, true, []float64{0.2, 0.5, 1, 2, 5, 10, 20}},
		{[]float64{1, 1_000_000}, true, []float64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}},
		{[]float64{0, 5}, true, []float64{5, 10}},
		{nil, true, []float64{1, 2}},
		{nil, false, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
	} {
		got := newScale(c.values, c.log, 6).ticks
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("ticks of %v, log %v: %v, want %v", c.values, c.log, got, c.want)
		}
	}
}

func TestNumberHasThreeDigitsAndNoExponent(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.012345: "0.0123", 999.6: "1,000", 0.5: "0.5", 1: "1", 30.25: "30.2", 99.96: "100", 127: "127", 1_000: "1,000", 205_341: "205,341", -1e9: "-1,000,000,000", -2.5: "-2.5"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %s, want %s", v, got, want)
		}
	}
}
