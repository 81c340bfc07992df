// Package money holds amounts exactly: whole minor units of a currency, and decimals as people type them.
//
// An amount is an int64 of minor units by the exponent of ISO 4217: 11900 is 119.00 EUR, 119 JPY is 119 JPY.
// Prices, quantities, rates and percents are Decimals. The one rounding is half away from zero (rules.md §1.1:
// so that a credit note mirrors its invoice). No amount exceeds Max; what would is an Invalid, never a wrong
// number. There is no float in here, and none may be put in.
package money

import (
	"math/big"
	"strconv"
	"strings"

	"onebook/internal/fault"
)

// Max is the largest amount either side of zero, in minor units: 2^53-1, the largest whole number that a client
// written in JavaScript reads exactly.
const Max = 1<<53 - 1

// Check answers an Invalid with the code too_large when an amount lies beyond Max.
func Check(minor int64) error {
	if minor > Max || minor < -Max {
		return tooLarge()
	}
	return nil
}

func tooLarge() error {
	return fault.Invalid.Errorf("the amount is too large: at most %d minor units can be kept exactly", int64(Max)).Coded("too_large")
}

// Sum adds amounts of one currency, in any order alike: only the sum itself, and each amount, must keep within Max,
// else it is an Invalid.
func Sum(minor ...int64) (int64, error) {
	sum := new(big.Int)
	for _, m := range minor {
		if err := Check(m); err != nil {
			return 0, err
		}
		sum.Add(sum, big.NewInt(m))
	}
	return round(sum, big.NewInt(1))
}

// MulDiv answers minor × num ÷ den, rounded half away from zero: a share of an amount, e.g. 20 days of 28. A zero
// den is an Invalid, and so is a result beyond Max.
func MulDiv(minor, num, den int64) (int64, error) {
	if den == 0 {
		return 0, fault.Invalid.Errorf("an amount cannot be divided by zero")
	}
	return round(new(big.Int).Mul(big.NewInt(minor), big.NewInt(num)), big.NewInt(den))
}

// Round answers an exact fraction of minor units as a whole number of them, half away from zero. Beyond Max it is
// an Invalid.
func Round(minor *big.Rat) (int64, error) { return round(new(big.Int).Set(minor.Num()), minor.Denom()) }

// round answers num ÷ den half away from zero. It may change num.
func round(num, den *big.Int) (int64, error) {
	negative := num.Sign()*den.Sign() < 0
	num.Abs(num)
	d := new(big.Int).Abs(den)
	num.Lsh(num, 1).Add(num, d)
	num.Quo(num, d.Lsh(d, 1))
	if !num.IsInt64() {
		return 0, tooLarge()
	}
	n := num.Int64()
	if negative {
		n = -n
	}
	if err := Check(n); err != nil {
		return 0, err
	}
	return n, nil
}

// Format answers an amount in major units with all decimals of its currency, e.g. "1190.00", "-0.05" or, for yen,
// "1190". Parse reads it back. An unknown currency is written in minor units.
func Format(minor int64, currency string) string {
	exp, _ := Exponent(currency)
	return digits(minor, exp, ".", "")
}

// digits writes minor units with a decimal mark and a mark between groups of three digits.
func digits(minor int64, exp int, point, group string) string {
	sign, u := "", uint64(minor)
	if minor < 0 {
		sign, u = "-", -u
	}
	s := strconv.FormatUint(u, 10)
	if len(s) <= exp {
		s = strings.Repeat("0", exp-len(s)+1) + s
	}
	whole, part := s[:len(s)-exp], s[len(s)-exp:]
	if group != "" {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + group + whole[i:]
		}
	}
	if exp == 0 {
		return sign + whole
	}
	return sign + whole + point + part
}

// Parse reads an amount in major units, e.g. "1190.00" or "1190", as minor units. It takes what ParseDecimal takes;
// more decimals than the currency has are an Invalid, unless they are zeros, and so is an unknown currency.
func Parse(major, currency string) (int64, error) {
	d, err := ParseDecimal(major)
	if err != nil {
		return 0, err
	}
	return d.Minor(currency)
}
