package totals

import "testing"

// The editor asks for a total at each key press: ten lines, two rates.
func BenchmarkCalculate(b *testing.B) {
	d := Document{Currency: "EUR"}
	for i := range 10 {
		d.Lines = append(d.Lines, Line{Quantity: dec("3"), UnitPrice: dec("19.99"), Taxes: menu[i%3]})
	}
	for b.Loop() {
		if _, err := Calculate(d); err != nil {
			b.Fatal(err)
		}
	}
}
