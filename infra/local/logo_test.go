package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"testing"
)

// picture is a file to upload.
type picture struct{ bytes, sha256 string }

// tinyLogo is a small transparent picture.
func tinyLogo(t *testing.T) picture {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 40, 10))); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return picture{b.String(), hex.EncodeToString(sum[:])}
}
