package api

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sort"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/fault"
)

// maxOnceKey is Stripe's limit for an Idempotency-Key.
const maxOnceKey = 255

var errMismatch = fault.Invalid.Errorf("this Idempotency-Key was used for another request; take a new key for a new request").Coded("idempotency_mismatch")

// onceKey reads the Idempotency-Key, empty when there is none.
func (x *exchange) onceKey() (string, error) {
	vs, given := x.r.Header["Idempotency-Key"]
	if !given {
		return "", nil
	}
	key := strings.Join(vs, ",")
	ok := len(key) > 0 && len(key) <= maxOnceKey
	for i := 0; i < len(key); i++ {
		ok = ok && key[i] >= ' ' && key[i] <= '~'
	}
	if !ok || strings.TrimSpace(key) == "" {
		return "", fault.InField("Idempotency-Key", "format", "Idempotency-Key must have 1 to %d printable ASCII characters", maxOnceKey)
	}
	return key, nil
}

// claim makes what the deed's transaction will write of this request. The key belongs to one caller and one route,
// so that nobody meets the answers of another. What is asked is the path, the query and the body, in a form that a
// client may write anew; the reference of a link is left out of it, since the link itself is the caller and a
// reference is renewed every half hour.
func (x *exchange) claim(key string) (*activity.Once, error) {
	if x.api.Once == nil {
		return nil, errors.New("api: no look-up of Idempotency-Keys")
	}
	asked := []string{}
	for _, name := range pathNames(x.route.op.Path) {
		if name != "ref" {
			asked = append(asked, name, x.r.PathValue(name))
		}
	}
	query := x.r.URL.Query()
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		asked = append(asked, name, strings.Join(query[name], "\x00"))
	}
	if x.body != nil {
		asked = append(asked, string(x.body.write(nil)))
	}
	return &activity.Once{
		Key:     hash(x.by.Kind, x.by.ID, x.route.name, key),
		Request: hash(asked...),
		Status:  x.route.op.Status,
	}, nil
}

// hash binds its parts in order, each by its length, to one short printable word.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		n := len(p)
		h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		h.Write([]byte(p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
