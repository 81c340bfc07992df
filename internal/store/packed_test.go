package store

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is stored comes back byte for byte, and never takes more room than it would as it is.
func TestPackedBodiesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.StringN(1, 40, -1).Draw(t, "part"), rapid.IntRange(1, 400).Draw(t, "times"))
		})).Draw(t, "text")
		body, err := json.Marshal(map[string]string{"notes": text})
		if err != nil {
			t.Fatal(err)
		}
		stored := packBody(body)
		if len(stored) > len(body) || len(body) < packFrom && stored != string(body) || stored != packBody(body) {
			t.Fatalf("%d bytes are stored as %d", len(body), len(stored))
		}
		back, err := unpackBody(stored)
		if err != nil || !bytes.Equal(back, body) {
			t.Fatalf("%q came back as %q: %v", body, back, err)
		}
	})
}

// A body that was stored as text, before bodies were deflated, is read as it is; one that was cut off is an error.
func TestPackedBodiesAreTold(t *testing.T) {
	long := []byte(`"` + strings.Repeat("a line of a document, ", 200) + `"`)
	if back, err := unpackBody(string(long)); err != nil || !bytes.Equal(back, long) {
		t.Errorf("stored as text: %v", err)
	}
	stored := packBody(long)
	if len(stored) > len(long)/4 || !isPacked(stored) {
		t.Errorf("%d bytes are stored as %d", len(long), len(stored))
	}
	if _, err := unpackBody(stored[:len(stored)/2]); err == nil {
		t.Error("half of a body was read")
	}
}
