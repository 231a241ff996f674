"""What is said about notebooks, and in them, in Japanese. The keys are the English texts, word for word."""

from minibert.exercises.cells import OWN, WELCOME

CELLS = {
    WELCOME: (
        "# BERT のアテンションを作る\n\n"
        "読み、予想し、セルに関数を書いて、Shift-Enter で実行しましょう。"
        "セルの最後の行が、書いたものを確認します。何度でもできます。"
        "問題は一つずつ独立しています。一つの間違いが、ほかの問題に響くことはありません。\n\n"
        "まず次のセルを実行してください。そのあとは、どのセルでも次のものが使えます。\n\n"
        '- `hint("softmax")` はヒントを、`hint("softmax", more=True)` はほとんど答えを出します。\n'
        '- `show("softmax")` は解答例と、ライブラリのコードを見せます。\n\n'
        "最後のセルは、自分で書いた関数でできた BERT を動かします。"
    ),
    OWN: (
        "## 自分の BERT\n\n"
        "最後にセルを実行したとき正解だった関数と、残りはライブラリの関数で組み立てます。問題を解くたびに育ちます。"
    ),
    "(double-click here, and write)": "(ここをダブルクリックして書きます)",
    "No cell of {notebook} defines {name}.": "{notebook} のどのセルにも {name} の関数がありません。",
    "Open it in your editor, or in Jupyter: {command}": "エディタか Jupyter で開いてください: {command}",
    "Jupyter is not installed beside minibert yet: {command}": (
        "Jupyter はまだ minibert と同じ環境に入っていません: {command}"
    ),
    "The name of the exercise comes first: {call}": "はじめに問題の名前を書きます: {call}",
    "{count} answers were given: {call}": "{count} 個の答えが渡されました: {call}",
    "Give what you wrote, too: {call}": "書いたものも渡してください: {call}",
    "What {name} returns was given; give {name} itself: {call}": (
        "{name} の返した値が渡されました。{name} そのものを渡してください: {call}"
    ),
    (
        "{name}: this is the library's, not yours; another cell imported it. Run the cell in which you wrote yours, "
        "with the check as its last line."
    ): (
        "{name}: これはあなたのものではなく、ライブラリのものです。ほかのセルが読み込みました。"
        "自分の関数を書いたセルを、check を最後の行にして実行してください。"
    ),
    "{other} was given in place of {name}: {call}": "{name} ではなく {other} が渡されました: {call}",
    "{name} is a (layer, head), and a function was given: {call}": (
        "{name} は (layer, head) ですが、関数が渡されました: {call}"
    ),
    "In this order: {call}": "順番はこうです: {call}",
    "Run this again when {name} is right.": "{name} が正解になったら、もう一度実行してください。",
}
