package money

import "strings"

// Signs that stand for one currency wherever they are read. A bare $ is the US dollar only; every other dollar is
// written by its code, since a client in Sydney must not guess.
var signs = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

// Display answers an amount with its currency as a person in the locale writes it: "€1,190.00" or "CAD 1,190.00" in
// English, "1.190,00 €" or "1.190,00 CAD" in German. The locale is a BCP 47 tag, of which the language counts; one
// other than de reads as English.
func Display(minor int64, currency, locale string) string {
	n := DisplayNumber(minor, currency, locale)
	sign := signs[currency]
	switch {
	case german(locale) && sign != "":
		return n + " " + sign
	case german(locale):
		return n + " " + currency
	case sign == "":
		return currency + " " + n
	case minor < 0:
		return "-" + sign + n[1:]
	}
	return sign + n
}

// DisplayNumber answers an amount as Display does, without the currency: for a column whose head names it.
func DisplayNumber(minor int64, currency, locale string) string {
	exp, _ := Exponent(currency)
	if german(locale) {
		return digits(minor, exp, ",", ".")
	}
	return digits(minor, exp, ".", ",")
}

// Display answers a quantity, price or rate as a person in the locale writes it, e.g. "1.250,5" in German.
func (d Decimal) Display(locale string) string {
	if german(locale) {
		return digits(d.coef, int(d.scale), ",", ".")
	}
	return digits(d.coef, int(d.scale), ".", ",")
}

func german(locale string) bool {
	language, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	return strings.EqualFold(language, "de")
}
