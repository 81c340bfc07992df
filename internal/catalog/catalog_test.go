package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"onebook/internal/catalog"
	"onebook/internal/fault"
	"onebook/internal/rig"
)

// A service has a name, a price, a unit and a class; a new price is one edit, in the history, and by one hand at a time.
func TestLifeOfAnItem(t *testing.T) {
	r := rig.New(t)
	in := catalog.Input{Name: " Consulting ", Unit: "hour", UnitPrice: rig.Dec("150.00"), Currency: "EUR", TaxClass: "standard"}
	made, err := r.Catalog.Create(r.Ctx, rig.Owner, in)
	if err != nil || made.Name != "Consulting" {
		t.Fatal(made, err)
	}
	in.UnitPrice = rig.Dec("160.00")
	next, err := r.Catalog.Update(r.Ctx, rig.Owner, made.ID, made.Version(), in)
	if err != nil || next.Version() != 2 {
		t.Fatal(next, err)
	}
	got, err := r.Catalog.Get(r.Ctx, made.ID)
	if err != nil || got.UnitPrice.String() != "160.00" || got.Version() != 2 {
		t.Errorf("%+v %v", got, err)
	}
	_, err = r.Catalog.Update(r.Ctx, rig.Owner, made.ID, made.Version(), in)
	if !errors.Is(err, fault.Stale) || !errors.Is(r.Catalog.Remove(r.Ctx, rig.Owner, made.ID, 1), fault.Stale) {
		t.Errorf("a stale edit: %v", err)
	}
	if err := r.Catalog.Remove(r.Ctx, rig.Owner, made.ID, 2); err != nil {
		t.Fatal(err)
	}
	if all, _, err := r.Catalog.List(r.Ctx, 10, ""); err != nil || len(all) != 0 {
		t.Errorf("%d are left: %v", len(all), err)
	}
	for _, id := range []string{made.ID, "", "ca_x", "tx_00000000000000000000"} {
		if _, err := r.Catalog.Get(r.Ctx, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// Every wrong field is told at once.
func TestWrongFields(t *testing.T) {
	r := rig.New(t)
	for fields, in := range map[string]catalog.Input{
		"name unit unitPrice currency taxClass": {},
		"name":                                  {Name: strings.Repeat("n", 201), Unit: "each", UnitPrice: rig.Dec("0"), Currency: "EUR", TaxClass: "a"},
		"unit":                                  {Name: "a", Unit: "day", UnitPrice: rig.Dec("1"), Currency: "EUR", TaxClass: "a"},
		"description unitPrice currency":        {Name: "a", Description: strings.Repeat("d", 10_001), Unit: "each", UnitPrice: rig.Dec("-1"), Currency: "EURO", TaxClass: "a"},
	} {
		_, err := r.Catalog.Create(r.Ctx, rig.Owner, in)
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Fatal(err)
		}
		var got []string
		for _, x := range f.Fields {
			got = append(got, x.Field)
		}
		if strings.Join(got, " ") != fields {
			t.Errorf("%v, not %s", got, fields)
		}
	}
}
