package accounts

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"aksio.app/shared/patch"
)

// shown fails the test unless the text is what it looks like, and can be stored.
func shown(t *testing.T, what, text string, longest int) {
	t.Helper()
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > longest || text != strings.TrimSpace(text) {
		t.Errorf("%s %q", what, text)
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			t.Errorf("%s %q holds %U, which nobody sees", what, text, r)
		}
	}
}

// FuzzNames reads what a visitor registers with. What is taken has one form, and is
// found again by whoever writes it in another.
func FuzzNames(f *testing.F) {
	for _, seed := range [][2]string{
		{"ada", "Ada@Example.COM"}, {"ＡＤＡ", "ada@bücher.example"}, {"\u3164\u3164\u3164", "a@\u3164.\u3164\u3164"}, // Hangul fillers are letters that nobody sees
		{"a\u0300da", "ada@xn--a.İİ"}, {" \u00a0ada\n", "ada@example.com\n"}, {"ada\x00", "a\x00@b.cc"}, {"\xff\xfe\xfd", "\xff@b.cc"}, {"ſẛſ", "ada@ẞẞ.ǅǅ"},
		{strings.Repeat("ﷺ", 30), strings.Repeat("a", 64) + "@" + strings.Repeat("ﷺ.", 60) + "com"}, {"a\u202eb", "a@a\u200db.cc"}, {"@@@", "@"}, {"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, address string) {
		username := tidyUsername(name)
		if len(usernameFaults(username)) == 0 {
			shown(t, "username", username, 30)
			if again := tidyUsername(username); again != username {
				t.Errorf("the username %q becomes %q", username, again)
			}
		}
		email := tidyEmail(address)
		if len(emailFaults(email)) == 0 {
			shown(t, "email", email, 254)
			if again := tidyEmail(email); again != email {
				t.Errorf("the address %q becomes %q", email, again)
			}
			if strings.Count(email, "@") != 1 || strings.ContainsAny(email, " \r\n<>,;:\"") {
				t.Errorf("the address %q", email)
			}
			if again := tidyEmail(strings.ToUpper(email[:strings.IndexByte(email, '@')]) + email[strings.IndexByte(email, '@'):]); !strings.EqualFold(again, email) {
				t.Errorf("the address %q in upper case is %q", email, again)
			}
		}
	})
}

// FuzzChange reads what users say about themselves. What is taken is one line that
// looks like what it is.
func FuzzChange(f *testing.F) {
	for _, text := range []string{"Ada", " Ada Lovelace ", "Ada\nBcc: all@example.com", "Ada\x1b[2J", "\u202eecalevoL", "नमस्ते", "👩‍👩‍👧", "می\u200cخواهم", "\u200b", "\u2028", "\ufeffAda", "Europe/Oslo", "Europe/../Oslo", "Local", "+4712345678", "1"} {
		f.Add(text, text, text)
	}
	f.Fuzz(func(t *testing.T, first, zone, phone string) {
		change := Change{FirstName: patch.To(first), University: patch.To(&first), Timezone: patch.To(zone), Phone: patch.To(phone)}
		if !utf8.ValidString(first) || change.check() != nil {
			return
		}
		for _, text := range []string{change.FirstName.Value, *change.University.Value, change.Timezone.Value, change.Phone.Value} {
			if strings.ContainsFunc(text, func(r rune) bool {
				return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
			}) || text != strings.TrimSpace(text) {
				t.Errorf("%q is taken", text)
			}
		}
		if zone := change.Timezone.Value; zone == "" || strings.Contains(zone, "..") || len(zone) > 100 {
			t.Errorf("the time zone %q", zone)
		}
		again := change
		if err := again.check(); err != nil || again.FirstName != change.FirstName || again.Phone != change.Phone {
			t.Errorf("%+v becomes %+v: %v", change, again, err)
		}
	})
}
