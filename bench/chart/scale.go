package chart

import (
	"math"
	"slices"
)

// scale maps values to pixels. Its ticks are round numbers.
type scale struct {
	low, high float64 // values at the ends
	from, to  float64 // pixels there
	log       bool
	ticks     []float64
}

// newScale makes a scale of about n ticks for these values. A linear scale begins at zero; a logarithmic one leaves out what is not above zero.
func newScale(values []float64, log bool, n int) scale {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !finite(v) || log && v <= 0 })
	if len(values) == 0 {
		values = []float64{1}
	}
	low, high := slices.Min(values), slices.Max(values)
	if log {
		return logScale(low, high, n)
	}
	if low > 0 {
		low = 0
	}
	if high <= low {
		high = low + 1
	}
	step := roundStep((high - low) / float64(n))
	s := scale{low: math.Floor(low/step) * step, high: math.Ceil(high/step) * step}
	for i := range int(math.Round((s.high-s.low)/step)) + 1 {
		s.ticks = append(s.ticks, s.low+float64(i)*step)
	}
	return s
}

// logScale has a tick at 1, 2 and 5 of each power of ten, or at the powers alone where that would be more than twice n.
func logScale(low, high float64, n int) scale {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if first == last {
		last++
	}
	steps := []float64{1, 2, 5}
	if (last-first)*3 > float64(2*n) {
		steps = steps[:1]
	}
	var all []float64
	for e := first; e <= last; e++ {
		for _, m := range steps {
			all = append(all, m*math.Pow(10, e))
		}
	}
	// Those between the last one that is not above the lowest value and the first that is not below the highest.
	const tolerance = 1e-9
	from, to := 0, len(all)-1
	for i, t := range all {
		if t <= low*(1+tolerance) {
			from = i
		}
	}
	for i := len(all) - 1; i > from; i-- {
		if all[i] >= high*(1-tolerance) {
			to = i
		}
	}
	ticks := all[from : to+1]
	return scale{low: ticks[0], high: ticks[len(ticks)-1], log: true, ticks: ticks}
}

// roundStep is the smallest of 1, 2 and 5 times a power of ten that is not below a step.
func roundStep(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= step*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// at is where a value lies. What a scale cannot show lies at its end.
func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		if v <= 0 {
			return s.from
		}
		v, low, high = math.Log10(v), math.Log10(low), math.Log10(high)
	}
	return s.from + min(1, max(0, (v-low)/(high-low)))*(s.to-s.from)
}
