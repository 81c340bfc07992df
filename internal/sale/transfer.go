package sale

import (
	"fmt"
	"strings"

	"onebook/internal/money"
	"onebook/internal/org"
)

// The bounds of a SEPA credit transfer in a QR code (EPC069-12, version 002): cents, and bytes of UTF-8.
const (
	maxTransfer = 99_999_999_999
	maxCode     = 331
)

// Transfer is how a client pays an invoice by bank.
type Transfer struct {
	Holder    string `json:"holder"`
	IBAN      string `json:"iban"`
	BIC       string `json:"bic,omitempty"`
	Bank      string `json:"bank,omitempty"`
	Reference string `json:"reference"`
	EPC       string `json:"epc,omitempty"` // what the code for a banking app holds (EPC069-12); euros only
}

// Transfer answers how amount, minor units of currency, is transferred for the document with this number; nil when no
// account was set at its issue, or nothing is to be paid.
func (f *Frozen) Transfer(number string, amount int64, currency string) *Transfer {
	if f == nil || f.Bank == nil || amount <= 0 {
		return nil
	}
	b := *f.Bank
	structured, text := "", number
	if b.CreditorReference {
		if rf, ok := CreditorReference(number); ok {
			structured, text = rf, ""
		}
	}
	t := &Transfer{Holder: b.AccountHolder, IBAN: b.IBAN, BIC: b.BIC, Bank: b.BankName, Reference: structured + text}
	if currency == "EUR" && amount <= maxTransfer {
		// One element a line, in fixed order; the empty one is the purpose.
		code := strings.Join([]string{
			"BCD", "002", "1", "SCT", b.BIC, b.AccountHolder, b.IBAN, "EUR" + money.Format(amount, "EUR"), "", structured, text,
		}, "\n")
		if code = strings.TrimRight(code, "\n"); len(code) <= maxCode {
			t.EPC = code
		}
	}
	return t
}

// CreditorReference makes an ISO 11649 reference of a document's number: RF, two check digits, and its letters and
// digits. Not ok when those are none or more than 21.
func CreditorReference(number string) (rf string, ok bool) {
	body := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return -1
	}, number)
	if body == "" || len(body) > 21 {
		return "", false
	}
	return fmt.Sprintf("RF%02d%s", 98-org.Remainder97(body+"RF00"), body), true
}
