package money

import (
	"slices"
	"strings"

	"onebook/internal/fault"
)

// The active codes of ISO 4217 by number of decimals. Left out are codes without a minor unit (metals, SDR,
// testing). BGN and ANG are kept, although replaced in 2026 and 2025: documents in them must stay readable.
var byExponent = map[int]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS " +
		"GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL " +
		"MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK " +
		"PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS " +
		"TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
}

var exponents = func() map[string]int {
	m := make(map[string]int, 180)
	for exp, codes := range byExponent {
		for _, code := range strings.Fields(codes) {
			m[code] = exp
		}
	}
	return m
}()

// Exponent answers how many decimals a currency has by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD. Codes are upper
// case; an unknown one is an Invalid.
func Exponent(currency string) (int, error) {
	if exp, ok := exponents[currency]; ok {
		return exp, nil
	}
	return 0, fault.Invalid.Errorf("%.12q is no currency: give the three letters of ISO 4217, such as EUR", currency).Coded("unknown_currency")
}

// Currencies answers all known codes in alphabetical order.
func Currencies() []string {
	codes := make([]string, 0, len(exponents))
	for code := range exponents {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}
