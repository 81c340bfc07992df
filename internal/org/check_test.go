package org

import (
	"errors"
	"strings"
	"testing"

	"onebook/internal/fault"
)

// What stands in a letter's head or on one line of a document is one line.
func TestOneLine(t *testing.T) {
	good := Settings{
		Name: strings.Repeat("ж", 200), TimeZone: "Europe/Berlin", Currency: "EUR", Locale: "de", Accent: "#1f5fbf", DueDays: 14, ValidDays: 30,
		Numbering: Numbering{Invoice: "{year}-{n4}", Estimate: "E-{n4}"}, Footer: "one\ntwo", PaymentTerms: "one\ntwo", DealStages: DefaultStages(),
	}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for field, set := range map[string]func(*Settings){
		"name":          func(s *Settings) { s.Name = "Studio\r\nBcc: all@example.com" },
		"phone":         func(s *Settings) { s.Phone = "1\n2" },
		"taxId":         func(s *Settings) { s.TaxID = "DE\x1b1" },
		"address.line1": func(s *Settings) { s.Address.Line1 = "a\nb" },
	} {
		s := good
		set(&s)
		var f *fault.Error
		if err := s.check(); !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
