package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"onebook/internal/fault"

	"pgregory.net/rapid"
)

func dec(t testing.TB, s string) Decimal {
	t.Helper()
	d, err := ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every amount of the trade rounds half away from zero, so that a credit note is its invoice with a minus.
func TestRoundingIsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		percent, currency string
		minor, want       int64
	}{
		{"21", "EUR", 85950, 18050}, // 180.495: Odoo's tax-included document, rules.md §1.2
		{"19", "EUR", 3333, 633},
		{"5", "EUR", 10, 1}, // 0.5 cent
		{"2.5", "EUR", 20, 1},
		{"2.4", "EUR", 20, 0},
		{"0", "EUR", 99999, 0},
		{"8.875", "EUR", 10000, 888},
	} {
		for _, sign := range []int64{1, -1} {
			got, err := dec(t, c.percent).Percent(sign * c.minor)
			if err != nil || got != sign*c.want {
				t.Errorf("%s %% of %d = %d, %v; want %d", c.percent, sign*c.minor, got, err, sign*c.want)
			}
		}
	}
}

// The figures of real lines, totals_vectors.json and tax_models_vectors.json.
func TestExtend(t *testing.T) {
	for _, c := range []struct {
		quantity, price, base, currency, want string
	}{
		{"278362.5", "0.0111051596", "1", "EUR", "3091.26"}, // Odoo, PEPPOL R120, ten decimals
		{"1", "859.495868", "1", "EUR", "859.50"},
		{"12.12", "12.12", "1", "EUR", "146.89"},
		{"10", "1980", "5", "AED", "3960.00"}, // PINT-AE, price base 5
		{"25", "4950", "50", "AED", "2475.00"},
		{"7", "142.857", "1", "KRW", "1000"},
		{"2", "0.5", "1", "CLP", "1"},
		{"3", "0.3335", "1", "TND", "1.001"},
		{"1", "1000.5005", "1", "IQD", "1000.501"},
		{"-1", "0.005", "1", "EUR", "-0.01"},
		{"64", "36109.00", "100", "HUF", "23109.76"},
	} {
		got, err := Extend(dec(t, c.quantity), dec(t, c.price), dec(t, c.base), c.currency)
		if err != nil || Format(got, c.currency) != c.want {
			t.Errorf("%s × %s ÷ %s %s = %s, %v; want %s", c.quantity, c.price, c.base, c.currency, Format(got, c.currency), err, c.want)
		}
	}
}

// An amount too large to be exact is refused wherever it could arise.
func TestOverflowIsAnError(t *testing.T) {
	big15 := dec(t, "999999999999999")
	for name, f := range map[string]func() (int64, error){
		"Extend":       func() (int64, error) { return Extend(big15, big15, Decimal{}, "EUR") },
		"Percent":      func() (int64, error) { return big15.Percent(Max) },
		"Minor":        func() (int64, error) { return big15.Minor("EUR") },
		"RoundMinor":   func() (int64, error) { return big15.RoundMinor("EUR") },
		"Parse":        func() (int64, error) { return Parse("90071992547409.92", "EUR") },
		"Sum":          func() (int64, error) { return Sum(Max, 1) },
		"Sum, wrapped": func() (int64, error) { return Sum(Max, math.MaxInt64, -Max) },
		"Sum, below":   func() (int64, error) { return Sum(-Max, -1) },
		"Sum, minimum": func() (int64, error) { return Sum(math.MinInt64) },
		"MulDiv":       func() (int64, error) { return MulDiv(Max, 2, 1) },
		"MulDiv, huge": func() (int64, error) { return MulDiv(math.MaxInt64, math.MaxInt64, 1) },
		"MulDiv, zero": func() (int64, error) { return MulDiv(1, 1, 0) },
		"Round":        func() (int64, error) { return Round(new(big.Rat).SetInt64(Max + 1)) },
		"Split": func() (int64, error) {
			parts, err := Split(Max, []int64{Max, 1 - Max})
			if err == nil {
				return parts[0], nil
			}
			return 0, err
		},
	} {
		if n, err := f(); !errors.Is(err, fault.Invalid) || n != 0 {
			t.Errorf("%s = %d, %v; want an Invalid", name, n, err)
		}
	}
	if n, err := Parse("90071992547409.91", "EUR"); err != nil || n != Max {
		t.Errorf("the largest amount: %d, %v", n, err)
	}
}

// Cents that do not divide are given out one by one and none is lost: rules.md §1.2, largest remainder.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		total   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{10, []int64{10000, 5000}, []int64{7, 3}},
		{1, []int64{1, 2}, []int64{0, 1}},
		{5, []int64{0, 1, 0}, []int64{0, 5, 0}},
		{100, []int64{300, -100}, []int64{150, -50}},
		{0, []int64{1, 2}, []int64{0, 0}},
	} {
		got, err := Split(c.total, c.weights)
		if err != nil || !equal(got, c.want) {
			t.Errorf("Split(%d, %v) = %v, %v; want %v", c.total, c.weights, got, err, c.want)
		}
	}
	half := big.NewRat(1, 2)
	for _, shares := range [][]*big.Rat{{half, new(big.Rat).Neg(half)}, {new(big.Rat).Neg(half), half}} { // a whole of zero has a mirror too
		got, err := Apportion(0, shares)
		if want := int64(shares[0].Sign()); err != nil || !equal(got, []int64{want, -want}) {
			t.Errorf("zero over %v = %v, %v", shares, got, err)
		}
	}
	if got, err := Apportion(1, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("something over nothing = %v, %v", got, err)
	}
	for _, weights := range [][]int64{nil, {0}, {5, -5}} {
		if got, err := Split(100, weights); !errors.Is(err, fault.Invalid) {
			t.Errorf("Split over %v = %v, %v; want an Invalid", weights, got, err)
		}
	}
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Parts sum to the whole, none is further than one unit from its exact share, and a negated total is the mirror.
func TestSplitLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(-1e6, 1e9), 1, 12).Draw(t, "weights")
		total := rapid.Int64Range(-1e12, 1e12).Draw(t, "total")
		var w, sum int64
		for _, x := range weights {
			w += x
		}
		if w <= 0 || w < 1e6 {
			return
		}
		parts, err := Split(total, weights)
		mirror, err2 := Split(-total, weights)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for i, p := range parts {
			sum += p
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i])), big.NewInt(w))
			if d := exact.Sub(exact, new(big.Rat).SetInt64(p)); d.Abs(d).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("part %d is %d, a whole unit off", i, p)
			}
			if mirror[i] != -p {
				t.Fatalf("the mirror of %v is %v", parts, mirror)
			}
		}
		if sum != total {
			t.Fatalf("%v sums to %d, not to %d", parts, sum, total)
		}
	})
}

// An amount written for a person or a file is read back as the same amount, in every currency.
func TestFormatReadsBack(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{119000, "EUR", "1190.00"}, {-5, "EUR", "-0.05"}, {0, "EUR", "0.00"}, {1190, "JPY", "1190"}, {5, "KWD", "0.005"},
		{-12345, "CLF", "-1.2345"}, {Max, "USD", "90071992547409.91"},
	} {
		if got := Format(c.minor, c.currency); got != c.want {
			t.Errorf("Format(%d, %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
	codes := Currencies()
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(-Max, Max).Draw(t, "minor")
		currency := rapid.SampledFrom(codes).Draw(t, "currency")
		if got, err := Parse(Format(minor, currency), currency); err != nil || got != minor {
			t.Fatalf("%d %s is written %s and read %d, %v", minor, currency, Format(minor, currency), got, err)
		}
		if d, err := Major(minor, currency); err != nil || d.String() != Format(minor, currency) {
			t.Fatalf("%d %s as a decimal is %s, %v", minor, currency, d, err)
		}
	})
}

// Money that moves is never rounded silently; decimals the currency does not have are an error, zeros are not.
func TestParseRefusesWhatTheCurrencyCannotHold(t *testing.T) {
	for _, c := range []struct {
		major, currency string
		want            int64
	}{{"25", "EUR", 2500}, {"25.5000", "EUR", 2550}, {"1000.000", "JPY", 1000}, {"-0.125", "TND", -125}} {
		if got, err := Parse(c.major, c.currency); err != nil || got != c.want {
			t.Errorf("Parse(%s %s) = %d, %v", c.major, c.currency, got, err)
		}
	}
	for _, c := range [][2]string{{"0.005", "EUR"}, {"0.5", "JPY"}, {"1", "XXX"}, {"1", "eur"}, {"1", ""}, {"1,00", "EUR"}} {
		if got, err := Parse(c[0], c[1]); !errors.Is(err, fault.Invalid) {
			t.Errorf("Parse(%s %s) = %d, %v; want an Invalid", c[0], c[1], got, err)
		}
	}
	if got, err := dec(t, "0.005").RoundMinor("EUR"); err != nil || got != 1 {
		t.Errorf("rounded: %d, %v", got, err)
	}
}

// Exponents as rules.md §1.2 and design.md §4 name them; a wrong one makes an invoice a hundred times too large.
func TestExponents(t *testing.T) {
	for exp, codes := range map[int][]string{
		0: {"JPY", "KRW", "CLP", "VND", "ISK", "UGX", "XOF", "XAF", "XPF", "PYG"},
		2: {"EUR", "USD", "GBP", "HUF", "CHF", "AED", "INR", "MXN", "IDR", "BGN"},
		3: {"KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"},
		4: {"CLF", "UYW"},
	} {
		for _, code := range codes {
			if got, err := Exponent(code); err != nil || got != exp {
				t.Errorf("%s has %d decimals, %v; want %d", code, got, err, exp)
			}
		}
	}
	codes := Currencies()
	if len(codes) != 166 {
		t.Errorf("%d currencies, 166 are known", len(codes))
	}
	for i, code := range codes {
		if len(code) != 3 || i > 0 && codes[i-1] >= code {
			t.Errorf("%q is out of place", code)
		}
	}
}

// A client reads amounts as he writes them himself.
func TestDisplay(t *testing.T) {
	for _, c := range []struct {
		minor                  int64
		currency, locale, want string
	}{
		{119000, "EUR", "de", "1.190,00 €"}, {119000, "EUR", "de-AT", "1.190,00 €"}, {119000, "EUR", "en", "€1,190.00"},
		{-119000, "EUR", "en-GB", "-€1,190.00"}, {-119000, "EUR", "de_DE", "-1.190,00 €"}, {119000, "USD", "en-US", "$1,190.00"},
		{119000, "CAD", "en", "CAD 1,190.00"}, {-119000, "CAD", "en", "CAD -1,190.00"}, {119000, "CHF", "de", "1.190,00 CHF"},
		{123456789, "JPY", "en", "¥123,456,789"}, {999, "KWD", "de", "0,999 KWD"}, {100000000, "EUR", "", "€1,000,000.00"},
		{99999, "EUR", "pl", "€999.99"},
	} {
		if got := Display(c.minor, c.currency, c.locale); got != c.want {
			t.Errorf("Display(%d, %s, %s) = %q, want %q", c.minor, c.currency, c.locale, got, c.want)
		}
	}
	if got := DisplayNumber(119000, "EUR", "de") + " " + DisplayNumber(119000, "EUR", "en"); got != "1.190,00 1,190.00" {
		t.Error(got)
	}
	if got := dec(t, "-1250.5").Display("de") + " " + dec(t, "1250.5").Display("en"); got != "-1.250,5 1,250.5" {
		t.Error(got)
	}
}
