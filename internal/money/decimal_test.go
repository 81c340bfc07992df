package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"onebook/internal/fault"

	"pgregory.net/rapid"
)

// What a person types as a price is kept to the last digit, or refused with a reason; it is never guessed at.
func TestDecimalIsKeptOrRefused(t *testing.T) {
	for _, s := range []string{"0", "0.00", "150.00", "-0.125", "1039.99", "0.0111051596", "158.1250000000", "278362.5",
		"9999999999999999.99", "0.000000000001", "-9999999999999999"} {
		d, err := ParseDecimal(s)
		if err != nil || d.String() != s || !d.Given() {
			t.Errorf("ParseDecimal(%q) = %s, %v", s, d, err)
		}
	}
	for _, s := range []string{"", " ", "-", ".", "-.", "+1", "1.", ".5", "-.5", "1 ", " 1", "1,5", "1.000,5", "1e3", "1E3", "0x1",
		"01", "00", "-0", "-0.00", "--5", "12.-5", "1.2.3", "٣", "1_000", "Infinity", "NaN", "1\n", "1\x00",
		"10000000000000000", "0.0000000000001", "1234567890123456.123"} {
		d, err := ParseDecimal(s)
		if !errors.Is(err, fault.Invalid) || d.Given() {
			t.Errorf("ParseDecimal(%q) = %s, %v, want it refused", s, d, err)
		}
	}
}

// Programs send decimals as strings; a JSON number may have been rounded on the way and is refused.
func TestDecimalInJSON(t *testing.T) {
	type line struct {
		Price Decimal `json:"price"`
		Base  Decimal `json:"base,omitzero"`
	}
	var l line
	if err := json.Unmarshal([]byte(`{"price":"150.00"}`), &l); err != nil || l.Base.Given() {
		t.Fatalf("%+v, %v", l, err)
	}
	out, err := json.Marshal(l)
	if err != nil || string(out) != `{"price":"150.00"}` {
		t.Errorf("written as %s, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"price":"1\u0030"}`), &l); err != nil || l.Price.String() != "10" {
		t.Errorf("an escaped digit: %s, %v", l.Price, err)
	}
	for _, s := range []string{`150`, `150.00`, `null`, `true`, `["1"]`, `{}`, `""`, `"1e2"`} {
		if err := json.Unmarshal([]byte(`{"price":`+s+`}`), &l); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want an Invalid", s, err)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "150.00", "-0.125", "-0", "12.-5", "--5", "1e9", "9999999999999999.99", "０", "1."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || d != (Decimal{}) {
				t.Fatalf("%q: %v, %v", s, d, err)
			}
			return
		}
		if d.String() != s {
			t.Fatalf("%q prints back as %q", s, d)
		}
		r, ok := new(big.Rat).SetString(s)
		if !ok || r.Cmp(d.Rat()) != 0 {
			t.Fatalf("%q is read as %s", s, d.Rat())
		}
		text, err := json.Marshal(d)
		var back Decimal
		if err != nil || json.Unmarshal(text, &back) != nil || back != d {
			t.Fatalf("%q through JSON is %v (%s, %v)", s, back, text, err)
		}
	})
}

func draw(t *rapid.T, label string) Decimal {
	whole := rapid.Int64Range(0, 1e9-1).Draw(t, label)
	s := fmt.Sprint(whole)
	if n := rapid.IntRange(0, 9).Draw(t, label+" decimals"); n > 0 {
		s += "." + fmt.Sprintf("%0*d", n, rapid.Int64Range(0, pow10(n).Int64()-1).Draw(t, label+" fraction"))
	}
	if strings.Trim(s, "0.") != "" && rapid.Bool().Draw(t, label+" negative") {
		s = "-" + s
	}
	d, err := ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// nearest is the independent rounding of the tests: the exact number is at most half a unit away, and where two
// units are equally near, the one further from zero was taken.
func nearest(exact *big.Rat, got int64) bool {
	diff := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(got))
	switch diff.Abs(diff).Cmp(big.NewRat(1, 2)) {
	case -1:
		return true
	case 0:
		return new(big.Rat).SetInt64(got).Cmp(exact) == exact.Sign()
	}
	return false
}

// A line is quantity × price ÷ price base, rounded once and away from zero, whatever the digits.
func TestExtendIsTheNearestAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, p, base := draw(t, "quantity"), draw(t, "price"), draw(t, "base")
		currency := rapid.SampledFrom([]string{"JPY", "EUR", "KWD", "CLF"}).Draw(t, "currency")
		exp, _ := Exponent(currency)
		got, err := Extend(q, p, base, currency)
		if base.Sign() <= 0 {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("a base of %s is accepted", base)
			}
			return
		}
		exact := new(big.Rat).Mul(q.Rat(), p.Rat())
		exact.Quo(exact, base.Rat()).Mul(exact, new(big.Rat).SetInt(pow10(exp)))
		limit := new(big.Rat).SetFrac64(2*Max+1, 2)
		if err != nil {
			if new(big.Rat).Abs(exact).Cmp(limit) < 0 {
				t.Fatalf("%s is refused: %v", exact.FloatString(3), err)
			}
			return
		}
		if !nearest(exact, got) || got > Max || got < -Max {
			t.Fatalf("%s became %d", exact.FloatString(9), got)
		}
		mirror, err := Extend(q.Neg(), p, base, currency)
		if err != nil || mirror != -got {
			t.Fatalf("the mirror of %d is %d, %v", got, mirror, err)
		}
	})
}

func TestDecimalCompares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		if got, want := a.Cmp(b), a.Rat().Cmp(b.Rat()); got != want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
		if tr := a.Trim(); tr.Cmp(a) != 0 || strings.HasSuffix(tr.String(), "0") && strings.Contains(tr.String(), ".") {
			t.Fatalf("%s trimmed is %s", a, tr)
		}
	})
}
