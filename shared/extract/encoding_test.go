package extract_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html/charset"
)

// TestPagesAreInTheEncodingThatTheySay reads pages that aren't in UTF-8: they were read
// as if they were in Windows-1252.
func TestPagesAreInTheEncodingThatTheySay(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"windows-1251": "Фотосинтез превращает свет в химическую энергию.",
		"koi8-r":       "Фотосинтез превращает свет в химическую энергию.",
		"shift_jis":    "光合成は光エネルギーを化学エネルギーに変える反応である。",
		"euc-kr":       "광합성은 빛 에너지를 화학 에너지로 바꾼다.",
		"gbk":          "光合作用把光能转化为化学能。",
		"big5":         "光合作用把光能轉化為化學能。",
		"iso-8859-2":   "Příliš žluťoučký kůň úpěl ďábelské ódy.",
	} {
		e, _ := charset.Lookup(name)
		for _, declaration := range []string{`<meta charset="` + name + `">`, `<meta http-equiv="Content-Type" content="text/html; charset=` + name + `">`} {
			page := "<!DOCTYPE html><html><head>" + declaration + "<title>A page</title></head><body><p>" + text + "</p></body></html>"
			content, err := e.NewEncoder().String(page)
			if err != nil {
				t.Fatal(err)
			}
			for what, content := range map[string]string{"in it": content, "saved anew in UTF-8": page} {
				if doc, err := reader.Extract(t.Context(), []byte(content), "a.html"); err != nil || !strings.Contains(doc.Pages[0], text) {
					t.Errorf("%s, %s: got %q, %v", name, what, doc.Pages, err)
				}
			}
		}
	}
}
