package stripepay

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onebook/internal/fault"
)

// What is asked of Stripe is what is owed, in every class of currency; what Stripe cannot take is told before, with
// the way out.
func TestUnits(t *testing.T) {
	for _, c := range []struct {
		amount   int64 // ISO minor units
		currency string
		want     int64  // Stripe's; 0: not payable
		why      string // part of the message
	}{
		{11900, "EUR", 11900, ""},
		{50, "EUR", 50, ""},
		{49, "EUR", 0, "0.49 EUR is less than the 0.50 EUR"},
		{30, "GBP", 30, ""},
		{29, "GBP", 0, "0.30 GBP"},
		{17499, "HUF", 0, "174.99 HUF is less than the 175.00 HUF"},
		{17500, "HUF", 17500, ""},
		{99999999, "USD", 99999999, ""},
		{100000000, "USD", 0, "1000000.00 USD is more than"},
		{500, "JPY", 500, ""},
		{49, "JPY", 0, "49 JPY is less than the 50 JPY"},
		{1, "KRW", 1, ""},
		{5, "ISK", 500, ""},
		{999999, "ISK", 99999900, ""},
		{1000000, "ISK", 0, "1000000 ISK is more than"},
		{9223372036854775807, "ISK", 0, "more than"},
		{9223372036854775807, "EUR", 0, "more than"},
		{5, "UGX", 500, ""},
		{500, "MGA", 5, ""},
		{550, "MGA", 0, "only whole MGA can be paid, and this is 5.50 MGA"},
		{5120, "KWD", 5120, ""},
		{5124, "KWD", 0, "must be 0, and this is 5.124 KWD"},
		{10, "BHD", 10, ""}, {10, "JOD", 10, ""}, {10, "OMR", 10, ""}, {10, "TND", 10, ""},
		{11, "BHD", 0, "0.011 BHD"}, {11, "JOD", 0, "last digit"}, {11, "OMR", 0, "last digit"}, {11, "TND", 0, "last digit"},
		{12345678901, "IDR", 12345678901, ""},
		{1000, "IQD", 0, "payments in IQD"},
		{1000, "XYZ", 0, "payments in XYZ"},
		{1000, "eur", 0, "payments in this currency"},
		{1000, "", 0, "payments in this currency"},
		{0, "EUR", 0, "nothing to pay"},
		{-500, "EUR", 0, "nothing to pay"},
	} {
		got, err := toStripe(c.amount, c.currency)
		if c.want != 0 {
			if err != nil || got != c.want {
				t.Errorf("%d %s became %d, %v; want %d", c.amount, c.currency, got, err, c.want)
			}
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "amount_not_payable_online" {
			t.Errorf("%d %s: %v, want amount_not_payable_online", c.amount, c.currency, err)
			continue
		}
		if !strings.Contains(f.Message, c.why) || !strings.Contains(f.Message, "transfer") {
			t.Errorf("%d %s: %q does not say %q and the way out", c.amount, c.currency, f.Message, c.why)
		}
		if CheckAmount(c.amount, c.currency) == nil {
			t.Errorf("%d %s passes the check", c.amount, c.currency)
		}
	}
}

// Whatever can be paid comes back as the very amount that was owed.
func TestUnitsRoundTrip(t *testing.T) {
	currencies := strings.Fields(payableList)
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom(currencies).Draw(t, "currency")
		amount := rapid.Int64Range(1, 1_000_000_000).Draw(t, "amount")
		there, err := toStripe(amount, currency)
		if err != nil {
			return
		}
		if back, err := fromStripe(there, currency); err != nil || back != amount {
			t.Fatalf("%d %s went as %d and came back as %d, %v", amount, currency, there, back, err)
		}
	})
}

// An amount that nobody could have owed is told, not rounded.
func TestAmountsThatCannotBe(t *testing.T) {
	for currency, amount := range map[string]int64{"ISK": 550, "UGX": 1, "MGA": 1 << 62} {
		if got, err := fromStripe(amount, currency); err == nil {
			t.Errorf("%d %s became %d", amount, currency, got)
		}
	}
}

func TestLocales(t *testing.T) {
	for tag, want := range map[string]string{"": "", "de": "de", "de-DE": "de", "de_AT": "de", "en-GB": "en-GB", "en-US": "en", "pt-BR": "pt-BR", "pt-PT": "pt",
		"zh-TW": "zh-TW", "zh-CN": "zh", "no": "nb", "nn-NO": "nb", "tl-PH": "fil", "gsw": "auto", "uk": "auto"} {
		if got := locale(tag); got != want {
			t.Errorf("%q is shown in %q, want %q", tag, got, want)
		}
	}
}
