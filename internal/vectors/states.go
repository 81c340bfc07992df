package vectors

import "testing"

// Pair is one pair of states of a machine, and whether the one may become the other.
type Pair struct {
	Machine string `json:"machine"`
	From    string `json:"from"`
	To      string `json:"to"`
	Allowed bool   `json:"allowed"`
}

// States holds every pair of a machine in states.json against can, and wants all of its pairs to be there.
func States(t *testing.T, machine string, can func(from, to string) bool) {
	t.Helper()
	var file struct {
		Machines map[string]struct {
			States []string `json:"states"`
		} `json:"machines"`
		Pairs []Pair `json:"pairs"`
	}
	Load(t, "states.json", &file)
	n := 0
	for _, p := range file.Pairs {
		if p.Machine != machine {
			continue
		}
		n++
		if got := can(p.From, p.To); got != p.Allowed {
			t.Errorf("%s: %s → %s is %v here, and %v in states.json", machine, p.From, p.To, got, p.Allowed)
		}
	}
	if n < len(file.Machines[machine].States) {
		t.Fatalf("%s: only %d pairs for %d states", machine, n, len(file.Machines[machine].States))
	}
	t.Logf("%s: %d pairs", machine, n)
}
