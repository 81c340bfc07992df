package phone_test

import (
	"testing"

	"onebook/internal/phone"
	"onebook/internal/vectors"
)

func TestPhoneVectors(t *testing.T) {
	var vs []struct {
		ID, Input, Case string
		Region          string `json:"default_region"`
		Want            string `json:"expected_e164"`
	}
	vectors.Load(t, "phone_vectors.json", &vs)
	if len(vs) < 900 {
		t.Fatalf("only %d cases", len(vs))
	}
	for _, v := range vs {
		got, ok := phone.Plans{}.E164(v.Input, v.Region)
		if got != v.Want || ok != (v.Want != "") {
			t.Errorf("%s %q in %q (%s): %q %v, want %q", v.ID, v.Input, v.Region, v.Case, got, ok, v.Want)
		}
	}
}

// The figures most worth remembering, from libphonenumber's own tests and FAQ.
func TestPhoneTraps(t *testing.T) {
	for _, c := range []struct{ number, region, want string }{
		{"030 123456", "DE", "+4930123456"},
		{"030 123456", "", ""},                           // national, and no country is known
		{"02 3661 8300", "IT", "+390236618300"},          // Italy keeps the 0
		{"+44 (0) 20 7031 3000", "DE", "+442070313000"},  // the (0) goes
		{"011 15-8765-4321", "AR", "+5491187654321"},     // 15 becomes 9
		{"(415) 555-2671 ext. 12", "US", "+14155552671"}, // no extension in the key
		{"555-2671", "US", ""},                           // local, without its area
		{"ask at the desk", "US", ""},
		{"", "US", ""},
	} {
		if got, _ := (phone.Plans{}).E164(c.number, c.region); got != c.want {
			t.Errorf("%q in %q is %q, want %q", c.number, c.region, got, c.want)
		}
	}
}

// A number is found by what people dial at home, the national prefix included.
func TestNational(t *testing.T) {
	for e164, want := range map[string]string{
		"+4930123456": "030123456", "+14155552671": "4155552671", "+390236618300": "0236618300", "no": "", "": "",
	} {
		if got := (phone.Plans{}).National(e164); got != want {
			t.Errorf("%s is dialled %q at home, want %q", e164, got, want)
		}
	}
}
