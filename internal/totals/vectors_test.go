package totals

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"onebook/internal/vectors"
)

type object = map[string]any

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

// calculate sends a document through JSON, as a client would.
func calculate(t testing.TB, body object) (Result, error) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var d Document
	in := json.NewDecoder(strings.NewReader(string(text)))
	in.DisallowUnknownFields()
	if err := in.Decode(&d); err != nil {
		return Result{}, err
	}
	return Calculate(d)
}

// answer writes a result as a client gets it.
func answer(t testing.TB, r Result) []byte {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// 409 real invoices and credit notes from elsewhere come to what they say. Level A is compared in full from quantity
// × price on, B from the line nets on; C and X contradict themselves or need what we do not have, and are reported.
func TestRealDocuments(t *testing.T) {
	count := map[string]int{}
	for _, v := range vectors.Invoices(t) {
		level := v.Check.Level
		count[level]++
		r, err := calculate(t, v.Request(t))
		if level == "A" || level == "B" {
			if err != nil {
				t.Errorf("%s %s is refused: %v", level, v.ID, err)
				continue
			}
			if diff := v.Differences(t, answer(t, r)); len(diff) > 0 {
				t.Errorf("%s %s:\n  %s", level, v.ID, strings.Join(diff, "\n  "))
				continue
			}
			count[level+"="]++
			continue
		}
		if err != nil {
			t.Logf("%s %s is refused: %v", level, v.ID, err)
			continue
		}
		diff := v.Differences(t, answer(t, r))
		if len(diff) == 0 {
			count[level+"="]++
			continue
		}
		t.Logf("%s %s: %s", level, v.ID, strings.Join(diff, "; "))
	}
	t.Logf("real documents equal: A %d of %d, B %d of %d, C %d of %d, X %d of %d", count["A="], count["A"], count["B="], count["B"],
		count["C="], count["C"], count["X="], count["X"])
	if count["A"] < 358 || count["B"] < 32 {
		t.Error("the vectors are incomplete")
	}
}
