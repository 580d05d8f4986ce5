package commandline

import (
	"fmt"
	"testing"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{"5": "[5]", "20, 1,20": "[1 20]", "0": "", "101": "", "-1": "", "": "", "1,": "", "1.5": "", "NaN": "", "1;2": ""} {
		if got, err := Numbers(list, 1, 100); (err == nil) != (want != "") || err == nil && fmt.Sprint(got) != want {
			t.Errorf("%q: got %v, %v, want %s", list, got, err, want)
		}
	}
}
