// Package phone reads telephone numbers by the plans of all countries (libphonenumber's, as ported by nyaruka).
//
// Whatever links it pays for the plans when it starts, whether it reads a number or not: the library takes in all of
// them at once, which is three times what anything else costs. So only functions that read numbers link it.
package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Plans are the numbering plans of all countries; they implement contact.Phones.
type Plans struct{}

// E164 answers the international form of a telephone number, and false when there is none: the number is not valid in
// its country's plan, or it is national and no country is known. Region is the ISO 3166 code of the country in which
// a national number is read; empty is none. An extension is no part of the form (rules.md §6).
func (Plans) E164(number, region string) (string, bool) {
	n, err := phonenumbers.Parse(number, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// National answers the digits of a number as it is dialled within its country, "" when it cannot be told.
func (Plans) National(e164 string) string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phonenumbers.Format(n, phonenumbers.NATIONAL))
}
