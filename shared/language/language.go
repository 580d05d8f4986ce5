// Package language tells in which language a text is written.
package language

import (
	"strings"
	"unicode"
)

// frequent are short words that tell each language from the others: its most
// frequent ones, and those that questions begin with.
var frequent = map[string][]string{
	"en": strings.Fields("the of and to in is that it for was on are with as be this have from by not what which how why does"),
	"no": strings.Fields("og i det er på som en til av for med at ikke den har de et om fra han jeg seg å etter mot ble blir hva hvilke hvilken hvordan hvorfor"),
	"sv": strings.Fields("och att det i på är som en för av med till den inte om ett har jag de från också vad vilka vilken hur varför"),
	"da": strings.Fields("og i det er på som en til af for med at ikke den har de et om fra han jeg sig efter mod blev bliver hvad hvilke hvilken hvordan hvorfor"),
	"de": strings.Fields("der die und das ist in den von zu mit sich des auf für nicht ein eine dem als auch wird was welche wie warum"),
	"fr": strings.Fields("le la les de des et à un une est que dans pour qui sur pas par au avec plus ce quoi quelle comment pourquoi"),
	"es": strings.Fields("el la de que y en un una los del se las por con para es no su al lo como qué cuál cómo"),
	"ca": strings.Fields("el la els les de que i en un una per amb és no al del com més què quin quina"),
	"it": strings.Fields("il di che e la in un per è una sono con non del si da le dei alla come cosa quale perché"),
	"nl": strings.Fields("de het een van en in is dat op te zijn voor met niet aan er om ook door bij wat welke hoe waarom"),
	"pt": strings.Fields("o a de que e do da em um uma para com não os no se na por mais as dos qual como"),
	"fi": strings.Fields("ja on ei se että oli hän mutta joka ovat myös kun tai sen mitä kuin ole jos niin mikä miten miksi"),
}

// tellTale is the least share of a language's frequent words in a text of it, and
// tellingWords how many of them a text or a question must have: one alone is a word of
// other languages, too.
const (
	tellTale     = 0.12
	tellingWords = 2
)

// read is how much of a text is looked at: words, and characters of those scripts
// that tell the language alone.
const read = 20_000

// Of returns the language of a text, given in pieces: an ISO 639-1 code, or ""
// if it isn't one of those that are known or there is too little of it.
func Of(texts ...string) string {
	best, hits, words := guess(texts)
	if hits < 3 || float64(hits) < tellTale*float64(words) {
		return ""
	}
	return best
}

// Guess returns the likeliest language of a text that may be as short as a
// question; "" if too few words of it are known, or two languages have them.
func Guess(texts ...string) string {
	best, _, _ := guess(texts)
	return best
}

// guess returns the likeliest language, and how many of how many words say so. A
// script that only one language uses says it with each character.
func guess(texts []string) (best string, hits, total int) {
	counts := map[string]int{}
	scripts := map[string]int{}
	for _, text := range texts {
		for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
			if total >= read {
				break
			}
			if n := written(word, scripts); n > 0 {
				total += n
				continue
			}
			counts[word]++
			total++
		}
	}
	// Kanji are Han characters, too: kana among them make a text Japanese.
	if scripts["ja"]*20 >= scripts["zh"] && scripts["ja"] > 0 {
		scripts["ja"] += scripts["zh"]
		delete(scripts, "zh")
	}
	for tag, n := range scripts {
		if n > hits || n == hits && tag < best {
			best, hits = tag, n
		}
	}
	for tag, words := range frequent {
		n, different := 0, 0
		for _, word := range words {
			if n += counts[word]; counts[word] > 0 {
				different++
			}
		}
		switch {
		case different < tellingWords:
		case n > hits:
			best, hits = tag, n
		case n == hits:
			best = ""
		}
	}
	return best, hits, total
}

// written counts the word's characters by the language that alone writes them so,
// and returns how many there are.
func written(word string, scripts map[string]int) (n int) {
	for _, r := range word {
		tag := ""
		switch {
		case r < 0x0E00: // Thai comes first
			continue
		case unicode.Is(unicode.Han, r):
			tag = "zh"
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			tag = "ja"
		case unicode.Is(unicode.Hangul, r):
			tag = "ko"
		case unicode.Is(unicode.Thai, r):
			tag = "th"
		default:
			continue
		}
		scripts[tag]++
		n++
	}
	return n
}
