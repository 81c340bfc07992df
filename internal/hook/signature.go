// Package hook is the door for what providers tell us on their own account.
//
// What arrives here was sent by a stranger until its signature says otherwise, and even then it is only a hint:
// the event names an object, and whoever handles it fetches that object and believes the answer, never the event.
// Verify is the one way in for Stripe's events.
package hook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"onebook/internal/fault"
	"onebook/internal/payment"
)

// Tolerance is how far the time of a signature may lie from ours, in the past and in the future alike
// (design.md §4): an older one may be a replay, a later one was made with somebody else's clock.
const Tolerance = 300 * time.Second

// Verify answers the event in body when header, the value of Stripe-Signature, holds a signature over exactly these
// bytes by one of secrets, made within Tolerance of now. body must be the bytes as they came, since one changed
// space breaks the signature. Several secrets are for the days of a rotation.
//
// A missing, malformed, outdated or wrong signature is fault.Invalid with code "signature" and says no more than
// that. A signed body that is no event is fault.Invalid with code "event". No secret at all, or an empty one, is an
// internal error, because anyone can sign with an empty secret. The event's own API version is no reason to refuse.
func Verify(body []byte, header string, secrets []string, now time.Time) (payment.Event, error) {
	if len(secrets) == 0 {
		return payment.Event{}, errors.New("hook: no signing secret is configured")
	}
	for _, s := range secrets {
		if strings.TrimSpace(s) == "" {
			return payment.Event{}, errors.New("hook: a signing secret is empty")
		}
	}
	at, signatures, ok := parseHeader(header)
	if !ok {
		return payment.Event{}, unsigned("the request carries no usable signature")
	}
	if !near(at, now) {
		return payment.Event{}, unsigned("the signature was not made within five minutes of now")
	}
	if !signed(body, at, signatures, secrets) {
		return payment.Event{}, unsigned("the signature does not belong to this message")
	}
	return parseEvent(body)
}

func unsigned(text string) error { return fault.Invalid.Errorf("%s", text).Coded("signature") }

// parseHeader takes "t=<seconds>,v1=<hex>,…" apart. The time stays text, because the text is what was signed.
// A second t is refused rather than chosen between; schemes other than v1 are passed over, as Stripe asks.
func parseHeader(header string) (at string, signatures []string, ok bool) {
	for _, pair := range strings.Split(header, ",") {
		name, value, found := strings.Cut(pair, "=")
		switch {
		case !found:
			return "", nil, false
		case name == "t" && at != "":
			return "", nil, false
		case name == "t":
			at = value
		case name == "v1":
			signatures = append(signatures, value)
		}
	}
	return at, signatures, at != "" && len(signatures) > 0
}

func near(at string, now time.Time) bool {
	t, err := strconv.ParseInt(at, 10, 64)
	// Beyond twelve digits no clock of ours can be near, and the subtraction could overflow.
	if err != nil || len(at) > 12 {
		return false
	}
	limit := int64(Tolerance / time.Second)
	age := now.Unix() - t
	return -limit <= age && age <= limit
}

// signed compares the hex texts and not the bytes they stand for, so that there is exactly one spelling of a
// signature. Every pair is tried, so that the time taken tells nothing about which secret was nearly right.
func signed(body []byte, at string, signatures, secrets []string) bool {
	found := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(at))
		mac.Write([]byte{'.'})
		mac.Write(body)
		want := []byte(hex.EncodeToString(mac.Sum(nil)))
		for _, s := range signatures {
			if hmac.Equal(want, []byte(s)) {
				found = true
			}
		}
	}
	return found
}

// parseEvent reads the few members that say what to fetch. Members it does not know may have any shape, since
// the event may be rendered in an API version newer than ours.
func parseEvent(body []byte) (payment.Event, error) {
	var e struct {
		ID         json.RawMessage `json:"id"`
		Type       json.RawMessage `json:"type"`
		Created    json.RawMessage `json:"created"`
		Livemode   json.RawMessage `json:"livemode"`
		APIVersion json.RawMessage `json:"api_version"`
		Data       json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return payment.Event{}, fault.Invalid.Errorf("the message is signed but is no event").Coded("event")
	}
	ev := payment.Event{
		ID: text(e.ID), Type: text(e.Type), APIVersion: text(e.APIVersion),
		Live: bytes.Equal(e.Livemode, []byte("true")), Created: instant(e.Created),
	}
	if ev.ID == "" || ev.Type == "" {
		return payment.Event{}, fault.Invalid.Errorf("the message is signed but names no event").Coded("event")
	}
	object := field(e.Data, "object")
	ev.ObjectType = text(field(object, "object"))
	ev.ObjectID = text(field(object, "id"))
	if ev.ObjectType == "payment_intent" {
		ev.Intent = ev.ObjectID
	} else {
		ev.Intent = reference(field(object, "payment_intent"))
	}
	return ev, nil
}

func field(object json.RawMessage, name string) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil {
		return nil
	}
	return m[name]
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// reference reads an id that may have been expanded into the object itself.
func reference(raw json.RawMessage) string {
	if s := text(raw); s != "" {
		return s
	}
	return text(field(raw, "id"))
}

// instant reads seconds since 1970; newer kinds of event write RFC 3339. Anything else is the zero time: when the
// event was made is told to people only, and decides nothing.
func instant(raw json.RawMessage) time.Time {
	const year9999 = 253402300799
	if s, err := strconv.ParseInt(string(raw), 10, 64); err == nil && 0 <= s && s <= year9999 {
		return time.Unix(s, 0).UTC()
	}
	if t, err := time.Parse(time.RFC3339, text(raw)); err == nil {
		return t.UTC()
	}
	return time.Time{}
}
