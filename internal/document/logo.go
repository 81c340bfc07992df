package document

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"

	"github.com/go-pdf/fpdf"

	"onebook/internal/fault"
)

// The bounds of a logo as it is uploaded, and the longer side of what is kept of it: 170 points at 500 dots an inch.
const (
	maxLogoBytes = 1 << 20
	maxLogoSide  = 4000
	keptLogoSide = 1200
)

const logoWidth, logoHeight = 170.0, 46.0

// FlattenLogo makes an uploaded PNG or JPEG fit to be printed on each document: opaque, on white, 8 bits a channel, at
// most 1,200 pixels wide and high, without what else the file says, such as the place where a photograph was taken. A
// transparent logo costs four times as much to print, each time. It is an Invalid when the file is larger than 1 MB or
// 4,000 pixels, damaged, or of another type.
func FlattenLogo(file []byte) ([]byte, error) {
	if len(file) > maxLogoBytes {
		return nil, fault.Invalid.Errorf("the logo has %d KB; use a file of at most 1 MB", len(file)/1024)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || format != "png" && format != "jpeg" {
		return nil, fault.Invalid.Errorf("the logo is no PNG or JPEG picture: save it as PNG and upload it again")
	}
	if config.Width > maxLogoSide || config.Height > maxLogoSide || config.Width < 1 || config.Height < 1 {
		return nil, fault.Invalid.Errorf("the logo is %d × %d pixels; use one of at most %d × %[3]d", config.Width, config.Height, maxLogoSide)
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fault.Invalid.Errorf("the logo is damaged: save it again as PNG (%w)", err)
	}
	flat := image.NewRGBA(image.Rect(0, 0, config.Width, config.Height))
	draw.Draw(flat, flat.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, picture, picture.Bounds().Min, draw.Over)
	flat = shrink(flat, keptLogoSide)

	var out bytes.Buffer
	if format == "jpeg" {
		err = jpeg.Encode(&out, flat, &jpeg.Options{Quality: 92})
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, flat)
	}
	return out.Bytes(), err
}

// shrink averages squares of pixels until neither side is longer than most.
func shrink(in *image.RGBA, most int) *image.RGBA {
	n := (max(in.Rect.Dx(), in.Rect.Dy()) + most - 1) / most
	if n <= 1 {
		return in
	}
	out := image.NewRGBA(image.Rect(0, 0, max(1, in.Rect.Dx()/n), max(1, in.Rect.Dy()/n)))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			var sum [3]int
			count := 0
			for sy := y * n; sy < min((y+1)*n, in.Rect.Dy()); sy++ {
				for sx := x * n; sx < min((x+1)*n, in.Rect.Dx()); sx++ {
					at := in.PixOffset(sx, sy)
					for k := range sum {
						sum[k] += int(in.Pix[at+k])
					}
					count++
				}
			}
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0] / count), uint8(sum[1] / count), uint8(sum[2] / count), 255})
		}
	}
	return out
}

// picture is a logo that fpdf has taken.
type picture struct{ width, height float64 }

// register gives the logo to fpdf, which panics or stops at what it cannot read: such a logo is left out.
func register(f *fpdf.Fpdf, logo []byte) (p *picture) {
	if len(logo) == 0 {
		return nil
	}
	kind := "jpg"
	if bytes.HasPrefix(logo, []byte("\x89PNG")) {
		kind = "png"
	}
	defer func() {
		if recover() != nil || f.Err() {
			f.ClearError()
			p = nil
		}
	}()
	info := f.RegisterImageOptionsReader("logo", fpdf.ImageOptions{ImageType: kind}, bytes.NewReader(logo))
	if f.Err() || info.Width() <= 0 || info.Height() <= 0 {
		return nil
	}
	scale := min(logoWidth/info.Width(), logoHeight/info.Height())
	return &picture{info.Width() * scale, info.Height() * scale}
}

func (p *picture) draw(c *canvas, x, y float64) {
	c.pdf.ImageOptions("logo", x, y, p.width, p.height, false, fpdf.ImageOptions{}, 0, "")
}
