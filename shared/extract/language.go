package extract

import (
	"strings"
	"unicode"
)

// frequent are the most frequent short words of each language that tell it from
// the others.
var frequent = map[string]string{
	"en": "the of and to in is that it for was on are with as be this have from by not",
	"no": "og i det er på som en til av for med at ikke den har de et om fra han jeg seg å",
	"sv": "och att det i på är som en för av med till den inte om ett har jag de från också",
	"da": "og i det er på som en til af for med at ikke den har de et om fra han jeg sig blev",
	"de": "der die und das ist in den von zu mit sich des auf für nicht ein eine dem als auch wird",
	"fr": "le la les de des et à un une est que dans pour qui sur pas par au avec plus ce",
	"es": "el la de que y en un una los del se las por con para es no su al lo como",
	"it": "il di che e la in un per è una sono con non del si da le dei alla come",
	"nl": "de het een van en in is dat op te zijn voor met niet aan er om ook door bij",
	"pt": "o a de que e do da em um uma para com não os no se na por mais as dos",
	"fi": "ja on ei se että oli hän mutta joka ovat myös kun tai sen mitä kuin ole jos niin",
}

// tellTale is the least share of a language's frequent words in a text of it.
const tellTale = 0.12

// language guesses the language of a text by its most frequent words.
func language(pages []string) string {
	counts, total := map[string]int{}, 0
	for _, page := range pages {
		for _, word := range strings.FieldsFunc(strings.ToLower(page), func(r rune) bool { return !unicode.IsLetter(r) }) {
			counts[word]++
			if total++; total > 20_000 {
				break
			}
		}
	}
	best, most := "", 0
	for tag, words := range frequent {
		score := 0
		for _, word := range strings.Fields(words) {
			score += counts[word]
		}
		if score > most || score == most && tag < best {
			best, most = tag, score
		}
	}
	if total < 20 || float64(most) < tellTale*float64(total) {
		return ""
	}
	return best
}
