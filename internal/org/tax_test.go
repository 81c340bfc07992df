package org_test

import (
	"errors"
	"strings"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/org"
	"onebook/internal/rig"
)

// Of each tax the newest rule that has begun counts, one of the place before one of everywhere; rules that have not begun, of
// other classes or places, never do.
func TestTaxOf(t *testing.T) {
	rule := func(id, name, class, place, from string) org.TaxRule {
		return org.TaxRule{ID: id, Name: name, TaxClass: class, LocationID: place, From: rig.Day(from)}
	}
	rules := []org.TaxRule{
		rule("vat-new", "", "standard", "", "2021-01-01"), rule("vat-old", "", "standard", "", "2007-01-01"), rule("vat-next", "", "standard", "", "2030-01-01"),
		rule("reduced", "", "reduced", "", "2007-01-01"),
		rule("gst", "GST", "goods", "ca-bc", "2008-01-01"), rule("pst", "PST", "goods", "ca-bc", "2013-04-01"),
		rule("vat-mixed", "VAT", "mixed", "", "2007-01-01"), rule("gst-mixed", "GST", "mixed", "ca-bc", "2008-01-01"),
		rule("local-old", "", "standard", "island", "2010-01-01"), rule("local-next", "", "standard", "island", "2030-01-01"),
	}
	for _, x := range []struct{ class, place, on, want string }{
		{"standard", "", "2026-01-01", "vat-new"}, {"standard", "", "2020-12-31", "vat-old"}, {"standard", "", "2021-01-01", "vat-new"},
		{"standard", "", "2006-12-31", ""}, {"standard", "", "2031-01-01", "vat-next"}, {"standard", "elsewhere", "2026-01-01", "vat-new"},
		{"standard", "island", "2026-01-01", "local-old"}, {"standard", "island", "2009-12-31", "vat-old"}, {"standard", "island", "2030-01-01", "local-next"},
		{"mixed", "ca-bc", "2026-01-01", "gst-mixed"}, {"mixed", "", "2026-01-01", "vat-mixed"}, {"mixed", "ca-bc", "2007-01-01", "vat-mixed"},
		{"goods", "ca-bc", "2026-01-01", "gst pst"}, {"goods", "ca-bc", "2010-01-01", "gst"}, {"goods", "", "2026-01-01", ""},
		{"reduced", "", "2026-01-01", "reduced"}, {"Standard", "", "2026-01-01", ""}, {"", "", "2026-01-01", ""},
	} {
		found, err := org.TaxOf(rules, x.class, x.place, rig.Day(x.on))
		var got []string
		for _, r := range found {
			got = append(got, r.ID)
		}
		if strings.Join(got, " ") != x.want || (err != nil) != (x.want == "") || (err != nil && !errors.Is(err, fault.Invalid)) {
			t.Errorf("%s at %q on %s: %v, not %q (%v)", x.class, x.place, x.on, got, x.want, err)
		}
	}
}

// A rule says what the law wants to have said; the same twice is refused; a removed one changes no document.
func TestTaxRules(t *testing.T) {
	r := rig.New(t)
	for what, rule := range map[string]org.TaxRule{
		"no class":             {Category: "S", Rate: rig.Dec("19"), From: rig.Day("2026-01-01")},
		"no day":               {TaxClass: "a", Category: "S", Rate: rig.Dec("19")},
		"no such category":     {TaxClass: "a", Category: "X", Rate: rig.Dec("19"), From: rig.Day("2026-01-01")},
		"standard at nothing":  {TaxClass: "a", Category: "S", From: rig.Day("2026-01-01")},
		"a rate below zero":    {TaxClass: "a", Category: "S", Rate: rig.Dec("-1"), From: rig.Day("2026-01-01")},
		"a rate above all":     {TaxClass: "a", Category: "S", Rate: rig.Dec("101"), From: rig.Day("2026-01-01")},
		"exempt with a rate":   {TaxClass: "a", Category: "E", Rate: rig.Dec("1"), Reason: "x", From: rig.Day("2026-01-01")},
		"exempt for no reason": {TaxClass: "a", Category: "E", From: rig.Day("2026-01-01")},
	} {
		if _, err := r.Org.AddTaxRule(r.Ctx, rig.Owner, rule); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	good := org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("19"), From: rig.Day("2026-01-01")}
	made := r.Tax(good)
	if _, err := r.Org.AddTaxRule(r.Ctx, rig.Owner, good); !errors.Is(err, fault.Exists) {
		t.Errorf("twice: %v", err)
	}
	c := r.Contact("Ada", "")
	i := r.Invoice(c.ID, rig.Lines("100.00"))
	if err := r.Org.RemoveTaxRule(r.Ctx, rig.Owner, made.ID, 2); !errors.Is(err, fault.Stale) {
		t.Errorf("stale: %v", err)
	}
	draft := r.Draft(c.ID, rig.Lines("100.00"))
	if err := r.Org.RemoveTaxRule(r.Ctx, rig.Owner, made.ID, 1); err != nil {
		t.Fatal(err)
	}
	if got := r.GetInvoice(i.ID); got.Body.Totals.Tax != 1900 {
		t.Errorf("the tax is %d", got.Body.Totals.Tax)
	}
	if got := r.Issue(draft.ID); got.Body.Totals.Tax != 1900 {
		t.Errorf("a draft's tax is %d", got.Body.Totals.Tax)
	}
}

// Settings: every wrong field is named; saving what is there changes nothing; two hands do not overwrite each other.
func TestSettings(t *testing.T) {
	r := rig.New(t)
	bad := org.Defaults()
	bad.Name, bad.TimeZone, bad.Currency, bad.Locale, bad.Accent, bad.Address.Country = " ", "Mars/Base", "EURO", "fr", "red", "Germany"
	bad.Numbering = org.Numbering{Invoice: "{year}", Estimate: "{n}{n}"}
	bad.DueDays, bad.ValidDays, bad.Email, bad.Website, bad.Footer = -1, 0, "nobody", "javascript:alert(1)", strings.Repeat("f", 601)
	_, err := r.Org.Update(r.Ctx, rig.Owner, 0, bad)
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	var got []string
	for _, x := range f.Fields {
		got = append(got, x.Field)
	}
	want := "name timeZone currency locale address.country accent numbering.invoice numbering.estimate dueDays validDays footer email website"
	if strings.Join(got, " ") != want {
		t.Errorf("%v", got)
	}
	r.Organise()
	now, err := r.Org.Get(r.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	same, err := r.Org.Update(r.Ctx, rig.Owner, now.Version(), now)
	if err != nil || same.Version() != now.Version() {
		t.Errorf("saving what is there made version %d: %v", same.Version(), err)
	}
	next := now
	next.Name = "Studio Süd"
	if _, err := r.Org.Update(r.Ctx, rig.Owner, now.Version(), next); err != nil {
		t.Fatal(err)
	}
	next.Name = "Studio West"
	if _, err := r.Org.Update(r.Ctx, rig.Owner, now.Version(), next); !errors.Is(err, fault.Stale) {
		t.Errorf("a stale edit: %v", err)
	}
}
