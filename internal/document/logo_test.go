package document

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"onebook/internal/fault"
)

// picturePNG is red, with this opacity.
func picturePNG(t *testing.T, w, h int, alpha uint8) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []uint8{255, 0, 0, alpha})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A half transparent red becomes pink on white paper, once and for all.
func TestFlattenLogo(t *testing.T) {
	flat, err := FlattenLogo(picturePNG(t, 3000, 1500, 128))
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(flat))
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X != 1000 || size.Y != 500 {
		t.Errorf("it is %v, larger than print shows or out of shape", size)
	}
	if got := color.NRGBAModel.Convert(img.At(500, 250)); got != (color.NRGBA{255, 127, 127, 255}) {
		t.Errorf("its colour is %v", got)
	}
	if flat[25] != 2 {
		t.Errorf("colour type %d: only RGB goes into a PDF as it is", flat[25])
	}
	again, err := FlattenLogo(flat)
	if err != nil || !bytes.Equal(again, flat) {
		t.Errorf("flattening twice differs from once (%v)", err)
	}
}

func TestLogoJPEGStaysJPEG(t *testing.T) {
	var in bytes.Buffer
	if err := jpeg.Encode(&in, image.NewGray(image.Rect(0, 0, 40, 20)), nil); err != nil {
		t.Fatal(err)
	}
	flat, err := FlattenLogo(in.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if config, format, err := image.DecodeConfig(bytes.NewReader(flat)); err != nil || format != "jpeg" || config.Width != 40 {
		t.Errorf("%v %s %v", config, format, err)
	}
	p := sample()
	p.Seller.Logo = flat
	if !bytes.Contains(render(t, p), []byte("/Filter /DCTDecode")) {
		t.Error("the document does not show it")
	}
}

func TestLogoRefused(t *testing.T) {
	whole := picturePNG(t, 100, 100, 255)
	for name, file := range map[string][]byte{
		"too large a file": append(bytes.Clone(whole), make([]byte, maxLogoBytes)...),
		"too wide":         picturePNG(t, maxLogoSide+1, 1, 255),
		"too high":         picturePNG(t, 1, maxLogoSide+1, 255),
		"another type":     []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"),
		"svg":              []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"),
		"cut off":          whole[:len(whole)/2],
		"damaged":          bytes.Replace(whole, []byte("IDAT"), []byte("IDAX"), 1),
		"nothing":          nil,
	} {
		if _, err := FlattenLogo(file); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
