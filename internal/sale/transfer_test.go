package sale

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onebook/internal/org"
)

// The code for a banking app holds what the European Payments Council's guideline (EPC069-12) shows: eleven lines in this
// order, those at the end left out when they are empty. The account is the guideline's own example of the Red Cross.
func TestTransferCode(t *testing.T) {
	f := &Frozen{Bank: &org.Bank{AccountHolder: "Red Cross of Belgium", IBAN: "BE72000000001616", BIC: "BPOTBEB1"}}
	for _, c := range []struct {
		amount   int64
		currency string
		rf       bool
		want     string
	}{
		{100, "EUR", false, "BCD|002|1|SCT|BPOTBEB1|Red Cross of Belgium|BE72000000001616|EUR1.00|||2026-0042"},
		{1, "EUR", false, "BCD|002|1|SCT|BPOTBEB1|Red Cross of Belgium|BE72000000001616|EUR0.01|||2026-0042"},
		{99_999_999_999, "EUR", true, "BCD|002|1|SCT|BPOTBEB1|Red Cross of Belgium|BE72000000001616|EUR999999999.99||RF8820260042"},
		{100_000_000_000, "EUR", false, ""},
		{100, "CHF", false, ""},
	} {
		f.Bank.CreditorReference = c.rf
		got := f.Transfer("2026-0042", c.amount, c.currency)
		if code := strings.ReplaceAll(got.EPC, "\n", "|"); code != c.want {
			t.Errorf("%d %s: %s", c.amount, c.currency, code)
		}
	}
	if f.Transfer("2026-0042", 0, "EUR") != nil || (&Frozen{}).Transfer("2026-0042", 100, "EUR") != nil {
		t.Error("a transfer where there is nothing to pay, or no account to pay to")
	}
	f.Bank.AccountHolder = strings.Repeat("宗", 70)
	f.Bank.BIC = "BPOTBEB1XXX"
	if got := f.Transfer(strings.Repeat("9", 60), 100, "EUR"); len(got.EPC) > 331 {
		t.Errorf("%d bytes are more than a code may have", len(got.EPC))
	}
}

// A creditor reference is the number with two digits by which a bank finds a typing error. The first two are published
// examples of ISO 11649.
func TestCreditorReference(t *testing.T) {
	for number, want := range map[string]string{
		"539007547034": "RF18539007547034", "2348231": "RF712348231",
		"2026-0042": "RF8820260042", "r/ab.1": "RF24RAB1", "----": "", "1234567890123456789012": "",
	} {
		if got, _ := CreditorReference(number); got != want {
			t.Errorf("%s gives %s, not %s", number, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rf, ok := CreditorReference(rapid.StringMatching(`[A-Za-z0-9 ./_-]{1,25}`).Draw(t, "number"))
		if ok && org.Remainder97(rf[4:]+rf[:4]) != 1 {
			t.Fatalf("%s does not check", rf)
		}
	})
}
