package stripe

import (
	"strconv"
	"strings"
)

// What Stripe takes (docs.stripe.com/currencies): decimals of its units, amounts that must be round, and the least
// and greatest of the common currencies. Kept apart from the adapter's table on purpose: a provider does not ask
// its customers for its rules.
func decimals(currency string) int {
	switch strings.ToUpper(currency) {
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "JOD", "KWD", "OMR", "TND":
		return 3
	}
	return 2
}

var leastCharge = map[string]int64{
	"usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
	"huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}

var greatestCharge = map[string]int64{
	"idr": 999999999999, "inr": 999999999, "lbp": 99999999999, "cop": 9999999999, "huf": 9999999999, "jpy": 9999999999,
}

func checkAmount(amount int64, currency string) *apiError {
	const param = "line_items[0][price_data][unit_amount]"
	step := int64(1)
	switch {
	case currency == "isk" || currency == "ugx":
		step = 100
	case decimals(currency) == 3:
		step = 10
	}
	least, most := max(leastCharge[currency], 1), int64(99999999)
	if g, ok := greatestCharge[currency]; ok {
		most = g
	}
	switch {
	case amount%step != 0:
		return invalid("parameter_invalid_integer", param, "Invalid amount: amounts in %s must be divisible by %d.", currency, step)
	case amount < least:
		return invalid("amount_too_small", param, "The Checkout Session's total amount due must add up to at least %s", human(least, currency))
	case amount > most:
		return invalid("amount_too_large", param, "The Checkout Session's total amount due must be no more than %s", human(most, currency))
	}
	return nil
}

// fromMinor converts minor units of ISO 4217, which the controls of the local run speak, into Stripe's.
func fromMinor(amount int64, currency string) int64 {
	switch currency {
	case "isk", "ugx":
		return amount * 100
	case "mga":
		return amount / 100
	}
	return amount
}

// human writes an amount in Stripe's units as a person reads it: 1,190.00 €.
func human(amount int64, currency string) string {
	places := decimals(currency)
	if currency == "isk" || currency == "ugx" {
		amount, places = amount/100, 0
	}
	digits := strconv.FormatInt(amount, 10)
	if pad := places + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, rest := digits[:len(digits)-places], digits[len(digits)-places:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	const noBreak = "\u00a0"
	switch currency {
	case "eur":
		return whole + noBreak + "€"
	case "usd":
		return "$" + whole
	case "gbp":
		return "£" + whole
	case "jpy":
		return "¥" + whole
	}
	return whole + noBreak + strings.ToUpper(currency)
}

func decimal(amount int64) string { return strconv.FormatInt(amount, 10) }
