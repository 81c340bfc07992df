package org

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"onebook/internal/fault"
)

// Terms are what a client agrees to with an estimate: the text and the version by which people speak of it.
type Terms struct {
	Text    string `json:"text"`
	Version string `json:"version,omitempty"`
}

// Limits of terms, in characters.
const (
	maxTerms        = 20_000
	maxTermsVersion = 40
)

// Stated answers the terms in their stored form, the zero Terms when there is no text. A version that nobody gave is made of
// the text, so that the same text always has the same one. fault.Invalid names the wrong field.
func (t Terms) Stated() (Terms, error) {
	t.Text, t.Version = strings.TrimSpace(t.Text), strings.TrimSpace(t.Version)
	var f fault.Fields
	if len([]rune(t.Text)) > maxTerms {
		f.Add("text", "too_long", "terms have at most 20,000 characters")
	}
	if t.Version != "" && !oneLine(t.Version, maxTermsVersion) {
		f.Add("version", "invalid", "a version is one line of at most %d characters, such as 2026-01", maxTermsVersion)
	}
	if t.Text == "" && t.Version != "" {
		f.Add("text", "required", "a version needs the text of the terms")
	}
	if err := f.Err(); err != nil {
		return Terms{}, err
	}
	if t.Text != "" && t.Version == "" {
		t.Version = t.print()
	}
	return t, nil
}

// print is the version that is made of the text.
func (t Terms) print() string {
	sum := sha256.Sum256([]byte(t.Text))
	return hex.EncodeToString(sum[:6])
}

// After answers the terms that replace old ones: where the old version was made of the old text and was merely left
// standing, the new one is made anew.
func (t Terms) After(old Terms) Terms {
	if t.Text != old.Text && old.Version != "" && t.Version == old.Version && old.Version == old.print() {
		t.Version = ""
	}
	return t
}

// changed refuses other terms under the version of the old ones: the version is what tells them apart for ever.
func (t Terms) changed(next Terms) error {
	if t.Version != "" && t.Version == next.Version && t.Text != next.Text {
		return fault.InField("terms.version", "same", "these are other terms than version %s; give them a version of their own", t.Version)
	}
	return nil
}
