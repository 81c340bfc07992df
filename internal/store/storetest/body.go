package storetest

import (
	"bytes"
	"compress/flate"
	"math/rand/v2"
	"sort"
	"testing"
)

// Body is a JSON string that takes exactly n bytes where it is stored: from a KB on bodies are deflated, so this one is
// of letters drawn by chance, always the same ones.
func Body(tb testing.TB, n int) []byte {
	tb.Helper()
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	chance := rand.New(rand.NewPCG(1, uint64(n)))
	all := make([]byte, 2*n+64)
	for i := range all {
		all[i] = letters[chance.IntN(len(letters))]
	}
	all[0] = '"'
	body := func(size int) []byte { return append(bytes.Clone(all[:size-1]), '"') }
	if n < 1024 {
		return body(n)
	}
	stored := func(size int) int {
		var b bytes.Buffer
		b.WriteByte(0)
		w, err := flate.NewWriter(&b, flate.BestSpeed)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(body(size)); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
		return b.Len()
	}
	size := sort.Search(2*n, func(i int) bool { return i >= 1024 && stored(i) >= n })
	for from := max(1024, size-64); from < size+64; from++ {
		if stored(from) == n {
			return body(from)
		}
	}
	tb.Fatalf("no body takes %d bytes", n)
	return nil
}
