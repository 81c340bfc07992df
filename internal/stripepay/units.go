package stripepay

import (
	"fmt"
	"strconv"
	"strings"

	"onebook/internal/fault"
)

// Where Stripe's units are not the minor units of ISO 4217 (docs.stripe.com/currencies, "Special cases").
//
//	ISK UGX              ISO 0 decimals, Stripe 2, and the two must be 00: × 100
//	MGA                  ISO 2 decimals, Stripe 0: ÷ 100, and only whole ariary can be paid
//	BHD JOD KWD OMR TND  3 decimals in both, but the last must be 0: card networks do not carry it
//
// HUF and TWD are special for payouts only.
const (
	same = iota
	timesHundred
	byHundred
	lastDigitZero
)

var special = map[string]int{
	"ISK": timesHundred, "UGX": timesHundred,
	"MGA": byHundred,
	"BHD": lastDigitZero, "JOD": lastDigitZero, "KWD": lastDigitZero, "OMR": lastDigitZero, "TND": lastDigitZero,
}

// The least amounts, in Stripe's units (docs.stripe.com/currencies, "Minimum and maximum charge amounts"). Stripe
// takes the least amount of the currency that the account is paid out in; for a currency that is not listed it
// converts, and refuses by itself what is too little. That refusal ends in the same fault.
var least = map[string]int64{
	"USD": 50, "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
	"GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50,
	"PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
}

// The greatest amounts where they are not the usual eight digits, from the same page.
var greatest = map[string]int64{
	"IDR": 999_999_999_999, "INR": 999_999_999, "LBP": 99_999_999_999,
	"COP": 9_999_999_999, "HUF": 9_999_999_999, "JPY": 9_999_999_999,
}

const eightDigits = 99_999_999

// CheckAmount says whether an amount, in minor units of currency by ISO 4217, can be paid online. If not, the
// answer is a fault.Invalid with code amount_not_payable_online whose message says why and names paying by transfer.
func CheckAmount(amount int64, currency string) error {
	_, err := toStripe(amount, currency)
	return err
}

func toStripe(amount int64, currency string) (int64, error) {
	if !payable[currency] {
		return 0, unpayable("payments in %s are not possible online", printable(currency))
	}
	if amount <= 0 {
		return 0, unpayable("there is nothing to pay")
	}
	out, high := amount, int64(eightDigits)
	if g, ok := greatest[currency]; ok {
		high = g
	}
	switch special[currency] {
	case timesHundred:
		// Compared before multiplying, since the product may not fit.
		if amount > high/100 {
			out = high + 1
		} else {
			out = amount * 100
		}
	case byHundred:
		if amount%100 != 0 {
			return 0, unpayable("online only whole %s can be paid, and this is %s", currency, human(amount, currency))
		}
		out = amount / 100
	case lastDigitZero:
		if amount%10 != 0 {
			return 0, unpayable("online the last digit of an amount in %s must be 0, and this is %s", currency, human(amount, currency))
		}
	}
	if low := least[currency]; out < low {
		return 0, unpayable("%s is less than the %s that can be paid online", human(amount, currency), human(low, currency))
	}
	if out > high {
		return 0, unpayable("%s is more than can be paid online at once", human(amount, currency))
	}
	return out, nil
}

func unpayable(format string, args ...any) error {
	return fault.Invalid.Errorf("%s; please pay by transfer instead", fmt.Sprintf(format, args...)).Coded("amount_not_payable_online")
}

// fromStripe is the way back. An amount that has no whole minor unit is an error, never rounded: it was not made
// by us, and a person must look at it.
func fromStripe(amount int64, currency string) (int64, error) {
	switch special[currency] {
	case timesHundred:
		if amount%100 != 0 {
			return 0, fmt.Errorf("stripe tells %d of %s, which is no whole amount", amount, currency)
		}
		return amount / 100, nil
	case byHundred:
		if out := amount * 100; out/100 == amount {
			return out, nil
		}
		return 0, fmt.Errorf("stripe tells %d of %s, which is more than can be counted", amount, currency)
	}
	return amount, nil
}

// human writes an amount of ISO minor units for a sentence.
func human(amount int64, currency string) string {
	places := 2
	switch {
	case special[currency] == timesHundred || zeroDecimals[currency]:
		places = 0
	case special[currency] == lastDigitZero:
		places = 3
	}
	digits := strconv.FormatInt(amount, 10)
	if places > 0 {
		if pad := places + 1 - len(digits); pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		digits = digits[:len(digits)-places] + "." + digits[len(digits)-places:]
	}
	return digits + " " + currency
}

func printable(currency string) string {
	if len(currency) == 3 && strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return currency
	}
	return "this currency"
}

// The currencies that can be paid with (docs.stripe.com/currencies, "Supported presentment currencies", less those
// that are gone or that Stripe knows only by a code which ISO 4217 has withdrawn), and those without decimals.
var (
	payable      = set(payableList)
	zeroDecimals = set("BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF")
)

const payableList = `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD
	CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG
	HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP
	MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
	SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF
	YER ZAR ZMW`

func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, c := range strings.Fields(list) {
		m[c] = true
	}
	return m
}
