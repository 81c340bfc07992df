package org

import "testing"

// The word in the address of public pages is made of the name until one is set.
func TestPublicSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Studio Nord": "studio-nord", "Bücher & Söhne GmbH": "buecher-soehne-gmbh", "Café Ñandú": "cafe-nandu", "  A/B  ": "a-b", "工作室": "welcome",
		"": "welcome", "Студия 24": "24", "O'Brien's": "o-brien-s", "..": "welcome",
	} {
		s := Settings{Name: name}
		if got := s.PublicSlug(); got != want || !slugForm.MatchString(got) {
			t.Errorf("%q makes %q, want %q", name, got, want)
		}
		if s.Slug = "mine"; s.PublicSlug() != "mine" {
			t.Error("the one that was set does not count")
		}
	}
}
