package org

import (
	"errors"
	"testing"

	"onebook/internal/fault"
)

// A typing error in the account would send clients' money elsewhere: the check digits of ISO 13616 find it. The good ones
// are examples of the SWIFT IBAN registry.
func TestBankAccount(t *testing.T) {
	for _, iban := range []string{"DE89 3704 0044 0532 0130 00", "gb29nwbk60161331926819", "FR1420041010050500013M02606", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"} {
		var f fault.Fields
		b := Bank{AccountHolder: " Studio ", IBAN: iban, BIC: "cobadeff xxx"}
		if b.check(&f); f.Err() != nil || b.BIC != "COBADEFFXXX" || b.AccountHolder != "Studio" || b.IBAN != compact(iban) {
			t.Errorf("%s: %v %+v", iban, f.Err(), b)
		}
	}
	for name, c := range map[string]struct {
		bank  Bank
		field string
	}{
		"a digit mistyped":       {Bank{AccountHolder: "S", IBAN: "DE89370400440532013001"}, "bank.iban"},
		"two digits swapped":     {Bank{AccountHolder: "S", IBAN: "DE89370400440532010300"}, "bank.iban"},
		"no country":             {Bank{AccountHolder: "S", IBAN: "89370400440532013000"}, "bank.iban"},
		"letters of another":     {Bank{AccountHolder: "S", IBAN: "DE8937040044053201300Ü"}, "bank.iban"},
		"nothing":                {Bank{AccountHolder: "S"}, "bank.iban"},
		"no holder":              {Bank{IBAN: "DE89370400440532013000"}, "bank.accountHolder"},
		"a holder of two lines":  {Bank{AccountHolder: "a\nEUR1.00", IBAN: "DE89370400440532013000"}, "bank.accountHolder"},
		"a BIC of nine":          {Bank{AccountHolder: "S", IBAN: "DE89370400440532013000", BIC: "COBADEFFX"}, "bank.bic"},
		"a bank's name too long": {Bank{AccountHolder: "S", IBAN: "DE89370400440532013000", BankName: string(make([]byte, 71))}, "bank.bankName"},
	} {
		var f fault.Fields
		c.bank.check(&f)
		var e *fault.Error
		if !errors.As(f.Err(), &e) || len(e.Fields) != 1 || e.Fields[0].Field != c.field {
			t.Errorf("%s: %v", name, f.Err())
		}
	}
}
