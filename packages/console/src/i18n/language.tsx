import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

export const languages = { en: "English", zh: "简体中文" } as const;
export type Language = keyof typeof languages;

/** Texts in both languages, of one shape: strings, and functions of what is put into them. */
export interface Messages<T> {
  en: T;
  zh: T;
}

interface LanguageChoice {
  language: Language;
  /** A BCP 47 tag, for Intl. */
  locale: string;
  choose: (language: Language) => void;
}

const LANGUAGE_KEY = "wsc-language";
const Context = createContext<LanguageChoice | undefined>(undefined);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const choice = useMemo(
    () => ({
      language,
      locale: language === "zh" ? "zh-CN" : englishLocale(),
      choose: (chosen: Language) => {
        localStorage.setItem(LANGUAGE_KEY, chosen);
        setLanguage(chosen);
      },
    }),
    [language],
  );
  return <Context value={choice}>{children}</Context>;
}

export function useLanguage(): LanguageChoice {
  const choice = useContext(Context);
  if (choice === undefined) throw new Error("there is no LanguageProvider");
  return choice;
}

/** The texts in the language that was chosen. Each page has its own. */
export function useMessages<T>(messages: Messages<T>): T {
  return messages[useLanguage().language];
}

/** Lets both languages have the same shape, which the English texts give. */
export function defineMessages<T>(en: T, zh: NoInfer<Widened<T>>): Messages<Widened<T>> {
  return { en: en as Widened<T>, zh };
}

/** The same with every literal text as `string`. */
type Widened<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { [K in keyof T]: Widened<T[K]> };

function firstLanguage(): Language {
  const stored = localStorage.getItem(LANGUAGE_KEY);
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The English that the viewer's browser prefers, for the form of dates. */
function englishLocale(): string {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith("en")) ?? "en";
}
