package contact

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// E164 answers the international form of a telephone number, and false when there is none: the number is not valid in
// its country's plan, or it is national and no country is known. Region is the ISO 3166 code of the country in which
// a national number is read; empty is none. An extension is no part of the form (rules.md §6).
func E164(number, region string) (string, bool) {
	n, err := phonenumbers.Parse(number, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// national answers the digits of a number as it is dialled within its country, "" when it cannot be told.
func national(e164 string) string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	return digits(phonenumbers.Format(n, phonenumbers.NATIONAL))
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
