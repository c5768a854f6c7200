"""Write the list of configuration keys that the hub's gate knows, from the libraries' sources.

Run with transformers, peft, timm and sentence-transformers installed; nothing of them is imported.
A key is known when one of their configuration, tokenizer or processor classes takes it.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "src/headstart/hub/gate/keys.txt"
SOURCES = (
    "transformers/models/*/configuration_*.py", "transformers/models/*/image_processing_*.py",
    "transformers/models/*/feature_extraction_*.py", "transformers/models/*/processing_*.py",
    "transformers/models/*/tokenization_*.py", "transformers/models/*/video_processing_*.py",
    "transformers/configuration_utils.py", "transformers/generation/configuration_utils.py",
    "transformers/tokenization*.py", "transformers/image_processing*.py",
    "transformers/image_utils.py", "transformers/processing_utils.py",
    "transformers/feature_extraction*.py", "transformers/utils/quantization_config.py",
    "transformers/modeling_rope_utils.py", "peft/config.py", "peft/tuners/**/config.py",
    "timm/models/*.py", "timm/layers/*.py", "sentence_transformers/**/modules/*.py",
)  # fmt: skip
# Written by releases before, or beside the classes above.
ALSO = """
_model_name_or_path
__version__ _commit_hash _diffusers_version _from_model_config _name_or_path _num_labels
adapter_layers architecture attention_probs_dropout_prob base_model_name_or_path bos_token
backend chunk_size_feed_forward classes cls_token content crop_mode crop_pct directionality
do_basic_tokenize do_lower_case embedding_dimension encoder_no_repeat_ngram_size eos_token
extra_special_tokens family feature_extractor_type finetuning_task first_conv fixed_input_size
format forced_decoder_ids global_pool gradient_checkpointing head high highfreq_factor id idx
image_processor_type image_token in_features input input_size interpolation is_local kind label2id
id2label label_descriptions label_names length_penalty licence license local_files_only lowercase
lstrip mask_token max_length mean metadata model_args model_input_names modality name name_or_path
never_split normalised normalized normalise notes num_classes num_features objective origin_url
out_features output_past pad_to_multiple_of pad_token pad_token_type_id padding paper_ids
paper_name path pair pool_size pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers
pooler_size_per_head pooler_type pooling pretrained pretrained_cfg problem_type prompts pytorch
quantization_config rope_parameters rope_scaling rstrip sentence_transformers sep_token settings
similarity_fn_name single_word slow_image_processor_type special special_tokens_map_file std
stride summary_type tag target task_specific_params test_crop_pct test_input_size test_pool_size
tokenizer_class tokenizer_file torch_dtype total_parameters total_size transformers
transformers_version transformers_weights truncation truncation_strategy type unk_token use_cache
version vocab_file weight_map word_embedding_dimension word_level xla_device
pooling_mode_cls_token pooling_mode_mean_tokens pooling_mode_max_tokens
pooling_mode_mean_sqrt_len_tokens pooling_mode_weightedmean_tokens pooling_mode_lasttoken
default_prompt_name max_seq_length config_args activation_function activation_fn model_type
sbert_ce_default_activation_function kernel mode crop_margin added_tokens_decoder legacy
add_prefix_space clean_up_tokenization_spaces use_default_system_prompt tokenizer_type
image_std image_mean processor_class size shortest_edge longest_edge height width
auto_mapping base_model_class parent_library peft_type peft_version attn_implementation
_attn_implementation model_cfg preprocess_cfg embed_dim vision_cfg text_cfg timm_model_name
timm_model_pretrained timm_pool timm_proj hf_model_name hf_tokenizer_name experts_implementation
quant_method num_labels is_decoder
answer analyzer examples max_features ngram_range role shots sublinear_tf vectoriser
"""


def names(tree: ast.AST) -> Iterator[str]:
    """Yield what classes take: parameters of ``__init__``, annotated fields, ``config_keys``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = node.args
            for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                yield one.arg
        elif isinstance(node, ast.ClassDef):
            yield from _fields(node)


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id
        target = getattr(line, "target", None) or getattr(line, "targets", [None])[0]
        if isinstance(target, ast.Name) and target.id in {"config_keys", "attribute_map"}:
            for part in ast.walk(line):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


# Never known, whoever takes them: they name code, or where to fetch it.
NEVER = """
auto_map custom_pipelines trust_remote_code custom_code code_revision custom_generate remote_code
func fn function callable module modules cls klass code url file hf_hub_filename state_dict command
script eval exec import_path module_class class_ref local_dir cache_dir token proxies self
subfolder pretrained_model_name_or_path repo_id config_class tokenize_function kernel_func
"""

PLACES = ("_path", "_file", "_files", "_files_names", "_url", "_urls", "_dir")


def wanted(name: str) -> bool:
    """Return whether a name that a class takes is configuration: no place, no code, not private."""
    if name in NEVER.split() or name.startswith("_"):
        return False
    return "drop" in name or not name.endswith(PLACES)


def main() -> None:
    """Write the list."""
    root = Path(sysconfig.get_paths()["purelib"])
    found: set[str] = set()
    for pattern in SOURCES:
        for file in root.glob(pattern):
            found.update(names(ast.parse(file.read_text(encoding="utf-8"))))
    found = {name for name in found if wanted(name)}
    kept = sorted(
        name for name in found | set(ALSO.split()) if name.isidentifier() and name.isascii()
    )
    OUT.write_text("\n".join(kept) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(kept)} keys in {OUT.name}\n")


if __name__ == "__main__":
    main()
