package store

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"
)

// packFrom is the size from which a body is deflated. A write costs by the begun KB, so below one there is nothing to gain.
const packFrom = 1024

// packMark begins a deflated body. JSON begins with no such byte.
const packMark = 1

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		return nil // only for a level that does not exist
	}
	return w
}}

// packBody answers a body as it is stored: as it is, or deflated where that is shorter. The same body is always stored alike.
func packBody(body []byte) string {
	if len(body) < packFrom {
		return string(body)
	}
	w, ok := deflaters.Get().(*flate.Writer)
	if !ok {
		return string(body)
	}
	defer deflaters.Put(w)
	b := bytes.NewBuffer(make([]byte, 0, len(body)/2))
	b.WriteByte(packMark)
	w.Reset(b)
	if _, err := w.Write(body); err != nil || w.Close() != nil || b.Len() >= len(body) {
		return string(body)
	}
	return b.String()
}

// isPacked reports whether a stored body is deflated, and so no text.
func isPacked(stored string) bool { return stored != "" && stored[0] == packMark }

// unpackBody is the reverse of packBody.
func unpackBody(stored string) ([]byte, error) {
	if !isPacked(stored) {
		return []byte(stored), nil
	}
	body, err := io.ReadAll(flate.NewReader(bytes.NewReader([]byte(stored[1:]))))
	if err != nil {
		return nil, fmt.Errorf("store: a deflated body is damaged: %w", err)
	}
	return body, nil
}
