package money

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"onebook/internal/fault"
)

// The bounds of a Decimal. Sixteen digits hold Max of a currency without decimals, eighteen fit an int64, and a unit
// price of ten decimals, as real invoices have it, is well inside.
const (
	maxWhole    = 16
	maxFraction = 12
	maxDigits   = 18
)

// Decimal is an exact decimal number as a person types it: a price, quantity, rate or percent. It remembers its
// decimals, so "150.00" prints as "150.00". The zero value is a number that was not given: it counts as 0, and
// encoding/json leaves it out under omitzero. Compare numbers with Cmp, since 1.5 and 1.50 are different values.
type Decimal struct {
	coef  int64
	scale uint8
	given bool
}

// ParseDecimal reads plain decimal notation: an optional minus, digits without leading zeros, and optionally a
// point with digits behind it. Whatever it accepts, String prints back byte by byte. Everything else is an
// Invalid: an exponent, a plus, spaces, grouping, ".5", "5.", "-0", more than 16 digits before the point, 12 behind
// it, or 18 in all.
func ParseDecimal(s string) (Decimal, error) {
	text, negative := strings.CutPrefix(s, "-")
	whole, fraction, pointed := strings.Cut(text, ".")
	switch {
	case whole == "" || pointed && fraction == "" || !allDigits(whole) || !allDigits(fraction):
		return Decimal{}, notDecimal(s, "write digits with a point before the decimals, such as 1250.50")
	case len(whole) > 1 && whole[0] == '0':
		return Decimal{}, notDecimal(s, "leave out leading zeros")
	case len(whole) > maxWhole || len(fraction) > maxFraction || len(whole)+len(fraction) > maxDigits:
		return Decimal{}, notDecimal(s, "it may have 16 digits before the point, 12 behind it and 18 in all")
	}
	coef, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return Decimal{}, notDecimal(s, "it cannot be read")
	}
	if negative {
		if coef == 0 {
			return Decimal{}, notDecimal(s, "zero has no sign")
		}
		coef = -coef
	}
	return Decimal{coef, uint8(len(fraction)), true}, nil
}

func notDecimal(s, hint string) error {
	return fault.Invalid.Errorf("%.40q is no decimal number: %s", s, hint).Coded("not_decimal")
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Int answers a whole number as a Decimal. Beyond 16 digits it is an Invalid.
func Int(n int64) (Decimal, error) { return ParseDecimal(strconv.FormatInt(n, 10)) }

// Major answers an amount of minor units as a Decimal in major units: 11900 EUR as 119.00.
func Major(minor int64, currency string) (Decimal, error) {
	exp, err := Exponent(currency)
	if err != nil {
		return Decimal{}, err
	}
	if err := Check(minor); err != nil {
		return Decimal{}, err
	}
	return Decimal{minor, uint8(exp), true}, nil
}

// Given reports whether there is a number at all: false for the zero value.
func (d Decimal) Given() bool { return d.given }

// IsZero reports whether no number was given, which is what omitzero asks. The number 0 answers false; Sign knows it.
func (d Decimal) IsZero() bool { return !d.given }

// Sign answers -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.coef < 0:
		return -1
	case d.coef > 0:
		return 1
	}
	return 0
}

// Neg answers the number with the other sign; a number not given stays so.
func (d Decimal) Neg() Decimal { d.coef = -d.coef; return d }

// Cmp compares as numbers: -1, 0 or 1. A number not given is 0.
func (d Decimal) Cmp(e Decimal) int {
	a, b := d.scaled(e.scale), e.scaled(d.scale)
	return a.Cmp(b)
}

// scaled answers the coefficient with this many more decimals.
func (d Decimal) scaled(by uint8) *big.Int {
	c := big.NewInt(d.coef)
	return c.Mul(c, pow10(int(by)))
}

// Trim answers the same number without zeros at the end of its decimals: 19.00 as 19. Equal numbers are equal
// values once trimmed.
func (d Decimal) Trim() Decimal {
	for d.scale > 0 && d.coef%10 == 0 {
		d.coef, d.scale = d.coef/10, d.scale-1
	}
	return d
}

// Rat answers the exact number.
func (d Decimal) Rat() *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(d.coef), pow10(int(d.scale)))
}

// Minor answers an amount in major units as minor units of the currency. More decimals than the currency has are an
// Invalid, unless they are zeros: where money moves, nothing is rounded away.
func (d Decimal) Minor(currency string) (int64, error) {
	exp, err := Exponent(currency)
	if err != nil {
		return 0, err
	}
	if t := d.Trim(); int(t.scale) > exp {
		return 0, fault.Invalid.Errorf("%s has more decimals than %s, which has %d", d, currency, exp).Coded("too_many_decimals")
	}
	return round(d.scaled(uint8(exp)), pow10(int(d.scale)))
}

// RoundMinor answers an amount in major units rounded half away from zero to minor units of the currency.
func (d Decimal) RoundMinor(currency string) (int64, error) {
	exp, err := Exponent(currency)
	if err != nil {
		return 0, err
	}
	return round(d.scaled(uint8(exp)), pow10(int(d.scale)))
}

// Percent answers d per cent of an amount, rounded half away from zero. Beyond Max it is an Invalid.
func (d Decimal) Percent(minor int64) (int64, error) {
	num := new(big.Int).Mul(big.NewInt(minor), big.NewInt(d.coef))
	return round(num, pow10(int(d.scale)+2))
}

// Extend answers quantity × price ÷ base in minor units of the currency, rounded once, half away from zero (BT-129,
// BT-146 and BT-149 of EN 16931). A base not given is 1; one that is not positive is an Invalid, and so is a result
// beyond Max.
func Extend(quantity, price, base Decimal, currency string) (int64, error) {
	exp, err := Exponent(currency)
	if err != nil {
		return 0, err
	}
	if !base.given {
		base = Decimal{1, 0, true}
	}
	if base.coef <= 0 {
		return 0, fault.Invalid.Errorf("a price is for a positive quantity, not for %s", base)
	}
	num := new(big.Int).Mul(big.NewInt(quantity.coef), big.NewInt(price.coef))
	num.Mul(num, pow10(exp+int(base.scale)))
	den := new(big.Int).Mul(big.NewInt(base.coef), pow10(int(quantity.scale)+int(price.scale)))
	return round(num, den)
}

var powers = func() (p [64]*big.Int) {
	p[0] = big.NewInt(1)
	for i := 1; i < len(p); i++ {
		p[i] = new(big.Int).Mul(p[i-1], big.NewInt(10))
	}
	return p
}()

// pow10 answers a shared value, which callers must not change.
func pow10(n int) *big.Int { return powers[n] }

// String prints the number as it was typed; one that was not given prints as 0.
func (d Decimal) String() string { return digits(d.coef, int(d.scale), ".", "") }

// MarshalText writes the number as it was typed, for JSON as a quoted string.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDecimal reads.
func (d *Decimal) UnmarshalText(text []byte) error {
	v, err := ParseDecimal(string(text))
	if err == nil {
		*d = v
	}
	return err
}

// UnmarshalJSON reads a quoted decimal. A JSON number is an Invalid, because many clients have rounded it before it
// was sent; null is none either.
func (d *Decimal) UnmarshalJSON(text []byte) error {
	var s *string
	if err := json.Unmarshal(text, &s); err != nil || s == nil {
		return notDecimal(string(text), `give it as a string, such as "1250.50"`)
	}
	return d.UnmarshalText([]byte(*s))
}
