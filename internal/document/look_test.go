package document

import (
	"onebook/internal/civil"
	"os"
	"testing"
)

func TestLook(t *testing.T) {
	long := sample()
	long.Number = "2026-0044"
	long.Lines = append(append(append([]Line{}, long.Lines...), long.Lines...), long.Lines...)
	long = sums(long)
	one := sample()
	one.Lines = one.Lines[:1]
	one.Allowances = nil
	one = sums(one)
	de := sample()
	de.Locale = "de"
	de.Kind = Estimate
	de.DueOn = civil.Date{}
	de.ValidUntil = one.DueOn
	raw, _ := os.ReadFile("/tmp/look/logo.png")
	lg, err := FlattenLogo(raw)
	if err != nil {
		t.Fatal(err)
	}
	de.Seller.Logo = lg
	long.Seller.Logo = lg
	mx := mixed()
	mx.Lines = mx.Lines[:5]
	mx.Paid = 10000
	mx = sums(mx)
	for n, p := range map[string]Paper{"ten": sample(), "one": one, "mixed": mx, "long": long, "de": de} {
		b, err := Render(p)
		if err != nil {
			t.Fatal(n, err)
		}
		os.WriteFile("/tmp/look/"+n+".pdf", b, 0o644)
		t.Log(n, len(b))
	}
}
