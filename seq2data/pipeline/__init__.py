"""Stage 4 of 4: a real `tf.data.Dataset`; TensorFlow begins here."""
