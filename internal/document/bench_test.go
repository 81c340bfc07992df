package document

import "testing"

// Documents per second, on one core: a ten-line invoice in Latin script, and one that mixes Polish, Greek and Russian.
func BenchmarkRender(b *testing.B) {
	for name, p := range map[string]Paper{"latin": sample(), "mixed": mixed()} {
		b.Run(name, func(b *testing.B) {
			if _, _, err := Render(p); err != nil { // loads the fonts, which a process does once
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Render(p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}
