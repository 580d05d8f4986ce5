package accounts

import (
	"strings"
	"testing"
)

func TestPasswordFaults(t *testing.T) {
	t.Parallel()
	like := []string{"ada.lovelace", "Augusta Ada", "countess@analytical.example"}
	for password, want := range map[string]string{
		"correct horse battery":       "",
		"пароль для Ады":              "",
		"        x":                   "", // spaces count
		"ada sleeps in the attic":     "", // one's name may be a part of it
		"2 engines":                   "",
		"eight ch":                    "short",
		"ééééééééé":                   "", // nine characters, eighteen bytes
		"éééééééé":                    "short",
		"":                            "short",
		"password":                    "short common",
		"PASSWORD123":                 "common",
		"ＰＡＳＳＷＯＲＤ１２３":                 "common",
		"qwertyuiop":                  "common",
		"123456789":                   "common numeric",
		"9817236450192":               "numeric",
		"1q2w3e4r5t\n1q2w3e4r5t":      "",
		"Ada.Lovelace":                "similar",
		"lovelace1":                   "similar",
		"adalovelace":                 "similar",
		"countess!":                   "similar",
		"analytical":                  "similar",
		"Countess@Analytical.Example": "similar",
		"enginelovelace-difference":   "",
	} {
		got := strings.Join(passwordFaults(password, like...), " ")
		for _, word := range []string{"short", "common", "numeric", "similar"} {
			if strings.Contains(got, "too "+word) != strings.Contains(want, word) && word != "numeric" ||
				strings.Contains(got, "entirely numeric") != strings.Contains(want, "numeric") {
				t.Errorf("%q: got %q, want %q", password, got, want)
				break
			}
		}
	}
	if n := strings.Count(common(), "\n") - 1; n != 20_000 {
		t.Errorf("%d common passwords, want 20000", n)
	}
}
