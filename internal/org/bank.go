package org

import (
	"regexp"
	"strings"
	"unicode"

	"onebook/internal/fault"
)

// Bank is the account that clients transfer to.
type Bank struct {
	AccountHolder string `json:"accountHolder"`
	IBAN          string `json:"iban"` // ISO 13616, capital letters and digits without spaces
	BIC           string `json:"bic,omitempty"`
	BankName      string `json:"bankName,omitempty"`
	// CreditorReference makes the payment reference of an invoice an ISO 11649 one, which banks check, e.g. RF18202600042.
	CreditorReference bool `json:"creditorReference,omitempty"`
}

var (
	ibanForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`)
	bicForm  = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`) // ISO 9362
)

// check sets IBAN and BIC in their written form and names each wrong field.
func (b *Bank) check(f *fault.Fields) {
	b.IBAN, b.BIC = compact(b.IBAN), compact(b.BIC)
	b.AccountHolder, b.BankName = strings.TrimSpace(b.AccountHolder), strings.TrimSpace(b.BankName)
	for _, t := range []struct{ field, text string }{{"bank.accountHolder", b.AccountHolder}, {"bank.bankName", b.BankName}} {
		if len([]rune(t.text)) > 70 || strings.ContainsFunc(t.text, unicode.IsControl) {
			f.Add(t.field, "invalid", "%s is one line of at most 70 characters", t.field)
		}
	}
	if b.AccountHolder == "" {
		f.Add("bank.accountHolder", "required", "say in whose name the account is, as the bank has it")
	}
	switch {
	case !ibanForm.MatchString(b.IBAN):
		f.Add("bank.iban", "invalid", "an IBAN begins with its country and two digits, e.g. DE02 1203 0000 0000 2020 51")
	case Remainder97(b.IBAN[4:]+b.IBAN[:4]) != 1:
		f.Add("bank.iban", "checksum", "this IBAN has a typing error: its check digits do not fit")
	}
	if b.BIC != "" && !bicForm.MatchString(b.BIC) {
		f.Add("bank.bic", "invalid", "a BIC has 8 or 11 capital letters and digits, e.g. BYLADEM1001")
	}
}

// compact takes out what people type between the groups of a number.
func compact(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' || r == '.' {
			return -1
		}
		return r
	}, s))
}

// Remainder97 reads capital letters and digits as one number, A as 10 to Z as 35, and answers what remains of it by 97 (ISO
// 7064, MOD 97-10). A correct IBAN or creditor reference, its first four characters moved to the end, leaves 1.
func Remainder97(s string) int {
	n := 0
	for _, r := range s {
		if r >= 'A' {
			n = (n*100 + int(r-'A') + 10) % 97
		} else {
			n = (n*10 + int(r-'0')) % 97
		}
	}
	return n
}
