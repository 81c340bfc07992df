package s3blob

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// disposition names a download for every browser: a plain name, and the true one in UTF-8 (RFC 6266, RFC 8187). A
// name that came from a person cannot leave its quotes, choose a folder, or hide its end by turning the text round.
func disposition(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f:
			return -1
		case strings.ContainsRune(`/\`, r):
			return '-'
		}
		return r
	}, name)
	if name = strings.Trim(name, ". "); name == "" {
		name = "document"
	}
	plain := strings.Map(func(r rune) rune {
		if r > 0x7e || strings.ContainsRune(`"%;`, r) {
			return '_'
		}
		return r
	}, name)
	var full strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			full.WriteByte(c)
		} else {
			fmt.Fprintf(&full, "%%%02X", c)
		}
	}
	return fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, plain, full.String())
}
