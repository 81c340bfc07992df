package printing

import (
	"testing"

	"onebook/internal/civil"
	"onebook/internal/document"
	"onebook/internal/invoice"
	"onebook/internal/sale"
)

// An invoice says when its services were supplied; a line that does not name a day was supplied on the day of issue.
func TestDateOfSupply(t *testing.T) {
	issued, earlier := civil.On(2026, 1, 5), civil.On(2025, 12, 30)
	for name, c := range map[string]struct {
		lines       []sale.Line
		head        civil.Date
		first, last civil.Date // what stands under the first line and under the last
	}{
		"no line names one":             {[]sale.Line{{}, {}}, issued, civil.Date{}, civil.Date{}},
		"all name the same":             {[]sale.Line{{ServiceDate: earlier}, {ServiceDate: earlier}}, earlier, earlier, earlier},
		"one names another, one none":   {[]sale.Line{{ServiceDate: earlier}, {}}, civil.Date{}, earlier, issued},
		"one names the issue, one none": {[]sale.Line{{ServiceDate: issued}, {}}, issued, issued, civil.Date{}},
	} {
		i := invoice.Invoice{IssuedOn: issued, Frozen: &sale.Frozen{}, Body: sale.Body{Lines: c.lines}}
		p := Paper(i, "", nil)
		if p.ServiceFrom != c.head || p.ServiceTo != c.head {
			t.Errorf("%s: the head says %s to %s, want %s", name, p.ServiceFrom, p.ServiceTo, c.head)
		}
		if got := p.Lines[0].ServiceFrom; got != c.first {
			t.Errorf("%s: the first line says %s, want %s", name, got, c.first)
		}
		if got := p.Lines[len(p.Lines)-1].ServiceFrom; got != c.last {
			t.Errorf("%s: the last line says %s, want %s", name, got, c.last)
		}
	}
}

// New documents are frozen in the layout that the printer draws newest.
func TestLayout(t *testing.T) {
	if sale.Layout != document.Layout {
		t.Errorf("documents are frozen in layout %d, the newest is %d", sale.Layout, document.Layout)
	}
}
