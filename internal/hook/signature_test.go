package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/payment"
)

var noon = time.Unix(1767614400, 0).UTC() // 2026-01-05T12:00:00Z

const completed = `{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1767614390,"livemode":false,
 "type":"checkout.session.completed","data":{"object":{"id":"cs_test_1","object":"checkout.session",
 "payment_intent":"pi_1","amount_total":11900}}}`

func sign(body, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), digest(body, secret, at))
}

func digest(body, secret string, at time.Time) string {
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%d.%s", at.Unix(), body)
	return hex.EncodeToString(m.Sum(nil))
}

// The figures were made with openssl, so that the test does not agree with the code by sharing its mistake:
// printf '1767614400.{"id":"evt_1","type":"x"}' | openssl dgst -sha256 -hmac whsec_test
func TestSignatureOfOpenSSL(t *testing.T) {
	const header = "t=1767614400,v1=2ea5e1e33702f172148eae32ab141f326cb5aa972975631af7666a185743ed32"
	if _, err := Verify([]byte(`{"id":"evt_1","type":"x"}`), header, []string{"whsec_test"}, noon); err != nil {
		t.Fatalf("a message signed by openssl is refused: %v", err)
	}
}

// An event is believed when one of our secrets signed these bytes within five minutes of now, and not otherwise.
func TestWhoIsBelieved(t *testing.T) {
	other := strings.Replace(completed, "pi_1", "pi_2", 1)
	good := sign(completed, "whsec_a", noon)
	hexGood := digest(completed, "whsec_a", noon)
	for _, c := range []struct {
		name, body, header string
		secrets            []string
		want               bool
	}{
		{"signed now", completed, good, []string{"whsec_a"}, true},
		{"signed 299 s ago", completed, sign(completed, "whsec_a", noon.Add(-299*time.Second)), []string{"whsec_a"}, true},
		{"signed 300 s ago", completed, sign(completed, "whsec_a", noon.Add(-300*time.Second)), []string{"whsec_a"}, true},
		{"signed 301 s ago", completed, sign(completed, "whsec_a", noon.Add(-301*time.Second)), []string{"whsec_a"}, false},
		{"signed 299 s ahead", completed, sign(completed, "whsec_a", noon.Add(299*time.Second)), []string{"whsec_a"}, true},
		{"signed 300 s ahead", completed, sign(completed, "whsec_a", noon.Add(300*time.Second)), []string{"whsec_a"}, true},
		{"signed 301 s ahead", completed, sign(completed, "whsec_a", noon.Add(301*time.Second)), []string{"whsec_a"}, false},
		{"old secret while rotating", completed, good, []string{"whsec_b", "whsec_a"}, true},
		{"new secret while rotating", completed, sign(completed, "whsec_b", noon), []string{"whsec_b", "whsec_a"}, true},
		{"both signatures, we know one", completed, sign(completed, "whsec_x", noon) + ",v1=" + hexGood, []string{"whsec_a"}, true},
		{"a scheme we do not know beside it", completed, good + ",v0=" + hexGood, []string{"whsec_a"}, true},
		{"somebody else's secret", completed, sign(completed, "whsec_x", noon), []string{"whsec_a"}, false},
		{"an empty secret", completed, sign(completed, "", noon), []string{"whsec_a"}, false},
		{"another body", other, good, []string{"whsec_a"}, false},
		{"no header", completed, "", []string{"whsec_a"}, false},
		{"only a time", completed, "t=1767614400", []string{"whsec_a"}, false},
		{"only a signature", completed, "v1=" + hexGood, []string{"whsec_a"}, false},
		{"only the old scheme", completed, "t=1767614400,v0=" + hexGood, []string{"whsec_a"}, false},
		{"an empty signature", completed, "t=1767614400,v1=", []string{"whsec_a"}, false},
		{"upper case", completed, "t=1767614400,v1=" + strings.ToUpper(hexGood), []string{"whsec_a"}, false},
		{"two times", completed, "t=1767614400," + good, []string{"whsec_a"}, false},
		{"a time of letters", completed, "t=now,v1=" + hexGood, []string{"whsec_a"}, false},
		{"a time beyond counting", completed, "t=9223372036854775807,v1=" + hexGood, []string{"whsec_a"}, false},
		{"a time before counting", completed, "t=-9223372036854775808,v1=" + hexGood, []string{"whsec_a"}, false},
		{"spaces", completed, strings.Replace(good, ",", ", ", 1), []string{"whsec_a"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Verify([]byte(c.body), c.header, c.secrets, noon)
			if (err == nil) != c.want {
				t.Fatalf("believed = %v, want %v: %v", err == nil, c.want, err)
			}
			var f *fault.Error
			if err != nil && (!errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "signature") {
				t.Fatalf("the refusal is %#v, want an Invalid with code signature", err)
			}
		})
	}
}

// A deployment without a secret must not believe anybody, and must be told apart from a stranger's mistake.
func TestNoSecretIsOurFault(t *testing.T) {
	for _, secrets := range [][]string{nil, {}, {""}, {"whsec_a", ""}, {" "}} {
		_, err := Verify([]byte(completed), sign(completed, "", noon), secrets, noon)
		if err == nil || fault.KindOf(err) != 0 {
			t.Errorf("secrets %q: %v, want an internal error", secrets, err)
		}
	}
}

// The event says which object to fetch, whatever version it is written in.
func TestWhatAnEventSays(t *testing.T) {
	at := time.Unix(1767614390, 0).UTC()
	for _, c := range []struct {
		name, body string
		want       payment.Event
	}{
		{"a paid session", completed, payment.Event{ID: "evt_1", Type: "checkout.session.completed", ObjectType: "checkout.session",
			ObjectID: "cs_test_1", Intent: "pi_1", APIVersion: "2023-10-16", Created: at}},
		{"an intent belongs to itself", `{"id":"evt_2","type":"payment_intent.succeeded","livemode":true,"data":{"object":{"id":"pi_7","object":"payment_intent"}}}`,
			payment.Event{ID: "evt_2", Type: "payment_intent.succeeded", ObjectType: "payment_intent", ObjectID: "pi_7", Intent: "pi_7", Live: true}},
		{"an expanded intent", `{"id":"evt_3","type":"charge.refunded","data":{"object":{"id":"ch_1","object":"charge","payment_intent":{"id":"pi_9","object":"payment_intent"}}}}`,
			payment.Event{ID: "evt_3", Type: "charge.refunded", ObjectType: "charge", ObjectID: "ch_1", Intent: "pi_9"}},
		{"a session nobody paid", `{"id":"evt_4","type":"checkout.session.expired","api_version":null,"data":{"object":{"id":"cs_2","object":"checkout.session","payment_intent":null}}}`,
			payment.Event{ID: "evt_4", Type: "checkout.session.expired", ObjectType: "checkout.session", ObjectID: "cs_2"}},
		{"another version, other shapes", `{"id":"evt_5","type":"balance.available","api_version":"2026-08-26.dahlia","created":"2026-01-05T11:59:50Z","livemode":"no","data":{"object":{"object":"balance","id":17}}}`,
			payment.Event{ID: "evt_5", Type: "balance.available", ObjectType: "balance", APIVersion: "2026-08-26.dahlia", Created: at}},
		{"no object at all", `{"id":"evt_6","type":"v2.core.event_destination.ping","created":-5}`,
			payment.Event{ID: "evt_6", Type: "v2.core.event_destination.ping"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Verify([]byte(c.body), sign(c.body, "whsec_a", noon), []string{"whsec_a"}, noon)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	for _, body := range []string{``, `null`, `[]`, `{}`, `"evt"`, `{"id":"evt_1"}`, `{"type":"x"}`, `{"id":7,"type":"x"}`, `{"id":"evt_1","type":"x"`} {
		_, err := Verify([]byte(body), sign(body, "whsec_a", noon), []string{"whsec_a"}, noon)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "event" {
			t.Errorf("%q: %v, want an Invalid with code event", body, err)
		}
	}
}

// Whoever changes one byte of the message or of its signature is not believed.
func TestOneChangedByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(fmt.Sprintf(`{"id":"evt_1","type":%q}`, rapid.StringN(1, 60, -1).Draw(t, "type")))
		secret := "whsec_" + rapid.StringMatching(`[a-z0-9]{8,32}`).Draw(t, "secret")
		at := noon.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "age")) * time.Second)
		header := []byte(sign(string(body), secret, at))
		if _, err := Verify(body, string(header), []string{secret}, noon); err != nil && !isCode(err, "event") {
			t.Fatalf("the unchanged message is refused: %v", err)
		}
		target := body
		if rapid.Bool().Draw(t, "change the signature") {
			target = header
		}
		i := rapid.IntRange(0, len(target)-1).Draw(t, "where")
		target[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "how"))
		if _, err := Verify(body, string(header), []string{secret}, noon); !isCode(err, "signature") {
			t.Fatalf("changed byte %d, and it says: %v", i, err)
		}
	})
}

func isCode(err error, code string) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code == code
}

// Nothing a stranger sends makes the door panic, and nothing unsigned gets through.
func FuzzStranger(f *testing.F) {
	f.Add([]byte(completed), sign(completed, "whsec_x", noon))
	f.Add([]byte(completed), "t=1767614400,v1=,v1=00,v0==,=")
	f.Add([]byte{0xff}, ",,,t=,v1")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		if _, err := Verify(body, header, []string{"whsec_of_ours"}, noon); !isCode(err, "signature") {
			t.Fatalf("%q with %q: %v", body, header, err)
		}
	})
}

// Nothing the provider signs makes the door panic, and what gets through names an event.
func FuzzSigned(f *testing.F) {
	f.Add([]byte(completed))
	f.Add([]byte(`{"id":"e","type":"t","created":1e999,"data":{"object":{"payment_intent":[[]]}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ev, err := Verify(body, sign(string(body), "whsec_a", noon), []string{"whsec_a"}, noon)
		if err != nil && !isCode(err, "event") {
			t.Fatal(err)
		}
		if err == nil && (ev.ID == "" || ev.Type == "") {
			t.Fatalf("an event without a name got through: %+v", ev)
		}
	})
}
